import { readConfig } from '../../server/config.ts';
import { openInstallation, startServer } from '../../server/main.ts';
import { asProgram } from '../processes.ts';

export interface ServerReady {
  url: string;
  public_url: string;
}

/** The real server, with its ordinary settings. */
await asProgram(async ({ environment }: { environment: Record<string, string> }) => {
  const config = readConfig(environment);
  const installation = await openInstallation(config);
  const server = await startServer(installation, config);
  const close = async () => {
    await server.close();
    await installation.close();
  };
  return { ready: { url: server.url, public_url: installation.context.publicUrl }, close };
});
