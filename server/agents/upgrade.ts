import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';
import { agentFrameBytesMax, agentPath, agentSubprotocol } from '../../domain/agent-protocol.ts';
import { endWith } from '../http/parser-errors.ts';
import { AgentConnection, type AgentConnectionSettings } from './connection.ts';

/** Takes WebSocket handshakes at the agents' path; every other upgrade is refused. Answers how to end them all. */
export function acceptAgents(server: Server, settings: AgentConnectionSettings): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: agentFrameBytesMax,
    perMessageDeflate: false,
    handleProtocols: () => agentSubprotocol,
  });
  // A handshake that is none would be answered by `ws`, without our headers.
  sockets.on('wsClientError', (_error, socket) => endWith(socket, 'malformed_request'));
  server.on('upgrade', (request, socket, head) => {
    // node:http hands over the bare socket here, and with it every error that it may still have.
    socket.on('error', () => socket.destroy());
    if (request.url !== agentPath) return endWith(socket, 'not_found');
    const offered = request.headers['sec-websocket-protocol']?.split(/\s*,\s*/) ?? [];
    if (!offered.includes(agentSubprotocol)) return endWith(socket, 'upgrade_required');
    sockets.handleUpgrade(request, socket, head, (opened) => new AgentConnection(opened, settings));
  });
  return () => {
    for (const socket of sockets.clients) socket.terminate();
  };
}
