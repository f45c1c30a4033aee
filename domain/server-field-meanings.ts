/** The part of `field-meanings.ts` that is about the page, the agents and the server itself. */
export const serverFieldMeanings = {
  nonce: 'What the unlock must send.',
  hold_ms_min: 'How long the button must be held, in milliseconds.',
  hold_ms_max: 'How long after its beginning a press is good for, in milliseconds.',
  status: 'Whether it serves.',
  last_commit_at: 'When this process last wrote something.',
  last_housekeeping_at: 'When it last cleared away what is not needed any more: every minute.',
  agents_connected: 'How many agents are connected to it.',
  'header.Idempotency-Key':
    'A name for this request: sent again under it, it is answered again and not done again.',

  // Agents.
  last_seen_at: 'When it was last heard of; null: nobody knows.',
  'Agent.online': 'Whether it is connected.',
  'Agent.locks_count': 'How many doors it drives.',
  'Agent.locks': 'The doors that it drives.',
  'NewAgent.online': 'Whether it is connected.',
  'NewAgent.locks_count': 'How many doors it drives.',
  'NewAgent.locks': 'The doors that it drives.',
  enrolled_at: 'When it got its key; null: it has none yet.',
  enrollment_code: 'The one-time code for `postern agent enroll`: shown this once.',
  enrollment_code_expires_at: 'From when on the code is good no more.',
  'Request.code': 'The one-time code, as it was shown or typed.',
  public_key: "The agent's public key (Ed25519), in base64url.",
  proof: "The agent's signature over the code and its key, in base64url.",
  version: 'The version of the protocol that the agent speaks.',
  agent_id: 'The number of the agent.',
  server_public_key:
    "The server's public key (Ed25519), in base64url: the agent believes no other from now on.",
  public_url: "The server's public address: part of what agent and server sign when they meet.",
  signature:
    "The server's signature over the code, the agent's key, its number and the public address, in base64url.",
};
