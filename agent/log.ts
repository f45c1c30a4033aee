/** Where the agent writes what happened to it; pino fits. Never given a presented text. */
export interface AgentLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
