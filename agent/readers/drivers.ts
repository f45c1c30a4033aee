import { type Static, Type } from 'typebox';
import type { Reader, ReaderParts } from './reader.ts';
import { TcpReader } from './tcp.ts';

const Port = Type.Integer({
  minimum: 0,
  maximum: 65_535,
  description: 'a port from 0 (any free one) to 65535',
});

/** What the agent's file may say about how a reader is reached: one of these, told apart by `driver`. */
export const ReaderConfig = Type.Union([
  Type.Object({ driver: Type.Literal('simulated'), port: Type.Optional(Port) }),
]);
export type ReaderConfig = Static<typeof ReaderConfig>;

export function createReader(config: ReaderConfig, parts: ReaderParts): Reader {
  switch (config.driver) {
    case 'simulated':
      return new TcpReader({ ...parts, port: config.port ?? 0 });
  }
}
