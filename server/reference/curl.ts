import type { OperationObject } from '../../domain/openapi/document.ts';

const examples: Record<string, string> = { id: '7', secret: '$SECRET', name: 'not_found' };
const credentials: Record<string, string> = {
  login: 'KISI-LOGIN $KEY',
  group_link: 'KISI-GROUP-LINK $SECRET',
};

/** A command that calls the operation: `$KEY` is an API key, `$SECRET` a link's secret. */
export function curlOf(
  { method, path, object }: { method: string; path: string; object: OperationObject },
  publicUrl: string,
): string {
  const url = `${publicUrl}${path.replace(/\{(\w+)\}/g, (_, name: string) => examples[name] ?? name)}`;
  const [scheme = ''] = object.security.flatMap((each) => Object.keys(each));
  const body = object.requestBody?.content['application/json']?.example;
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}"${url}"`];
  if (credentials[scheme]) lines.push(`-H "Authorization: ${credentials[scheme]}"`);
  if (body !== undefined && object.requestBody?.required)
    lines.push('-H "Content-Type: application/json"', `-d '${JSON.stringify(body)}'`);
  return lines.join(' \\\n  ');
}
