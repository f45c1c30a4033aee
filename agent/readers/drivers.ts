import { type Static, Type } from 'typebox';
import type { Reader, ReaderParts } from './reader.ts';
import { SerialReader, SerialReaderConfig } from './serial.ts';
import { StdinReader, StdinReaderConfig } from './stdin.ts';
import { SimulatedReaderConfig, TcpReader, TcpReaderConfig } from './tcp.ts';

/** What the agent's file may say about how a reader is reached: one of these, told apart by `driver`. */
export const ReaderConfig = Type.Union([
  SimulatedReaderConfig,
  SerialReaderConfig,
  TcpReaderConfig,
  StdinReaderConfig,
]);
export type ReaderConfig = Static<typeof ReaderConfig>;

/** Throws a sentence when the settings cannot work. */
export function createReader(config: ReaderConfig, parts: ReaderParts): Reader {
  switch (config.driver) {
    case 'simulated':
      return new TcpReader({ ...parts, port: config.port ?? 0 });
    case 'serial':
      return new SerialReader(parts, config);
    case 'tcp':
      return new TcpReader({ ...parts, port: config.port, host: config.host, allow: config.allow });
    case 'stdin':
      return new StdinReader(parts);
  }
}
