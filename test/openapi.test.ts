import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { BaseResolver, createConfig, lintDocument, makeDocumentFromString } from '@redocly/openapi-core';
import { endpoints, type Operation } from '../domain/endpoints.ts';
import { describedFields, meaningOf } from '../domain/field-meanings.ts';
import type { Schema } from '../domain/openapi/schema.ts';
import { operations } from '../domain/operations.ts';
import { assertContract, contract, problemsOf } from './contract.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/** Beyond the linter's strictest set, as far as Kisi's names let us. */
const moreRules = {
  'component-name-unique': 'error',
  'info-contact': 'error',
  'operation-description': 'error',
  'operation-singular-tag': 'error',
  'operation-tag-defined': 'error',
  'parameter-description': 'error',
  'path-http-verbs-order': 'error',
  'spec-strict-refs': 'error',
} as const;

const objects = Object.entries(contract.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, object]) => ({ name: `${method} ${path}`, object })),
);

describe('the OpenAPI document', () => {
  it('gives a strict linter nothing to say', async () => {
    const config = await createConfig({ extends: ['recommended-strict'], rules: moreRules });
    const document = makeDocumentFromString(JSON.stringify(contract), 'http://localhost/openapi.json');
    const problems = await lintDocument({ document, config, externalRefResolver: new BaseResolver() });
    const named = problems.map(
      ({ ruleId, message, location }) => `${location[0]?.pointer} ${ruleId}: ${message}`,
    );
    assert.deepEqual(named, []);
  });

  it('describes every operation, and none that there is not', () => {
    assert.deepEqual(Object.keys(operations).sort(), Object.keys(endpoints).sort());
  });

  it('has every method and path of the table, a WebSocket aside', () => {
    const table = Object.entries(endpoints).flatMap(([operation, { methods, paths }]) =>
      operations[operation as Operation]?.answer.kind === 'upgrade'
        ? []
        : methods.flatMap((method) =>
            paths.map((path) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`),
          ),
    );
    assert.deepEqual(objects.map(({ name }) => name).sort(), table.sort());
  });

  it('says in sentences what each operation does, and in a few words what it is called', () => {
    for (const { name, object } of objects) {
      assert.match(object.summary, /^[A-Z].*[^.]$/, name);
      assert.match(object.description, /^[A-Z].*[.`]$/s, name);
    }
  });

  it('says of every field and parameter what it means', () => {
    const silent = new Set<string>();
    for (const { name, object } of objects) {
      for (const parameter of object.parameters ?? []) {
        if (!meaningOf(parameter.in, parameter.name)) silent.add(`${name} ${parameter.in}.${parameter.name}`);
      }
      const body = object.requestBody?.content['application/json']?.schema ?? {};
      for (const field of undescribed(body)) silent.add(`${name} ${field}`);
    }
    for (const [title, shape] of Object.entries(contract.components.schemas))
      for (const field of undescribed(shape)) silent.add(`${title} ${field}`);
    assert.deepEqual([...silent], []);
  });

  it('explains no field that is nowhere', () => {
    const all = new Set(Object.values(contract.components.schemas).flatMap(fieldNames));
    for (const { object } of objects) {
      for (const { name } of object.parameters ?? []) all.add(name);
      for (const name of fieldNames(object.requestBody?.content['application/json']?.schema ?? {}))
        all.add(name);
    }
    assert.deepEqual(
      describedFields.filter((name) => !all.has(name.split('.').at(-1) ?? '')),
      [],
    );
  });

  it('has examples that its own schemas allow, without a field too many', () => {
    for (const { name, object } of objects) {
      const contents = [object.requestBody, ...Object.values(object.responses)].flatMap((each) =>
        Object.values(each?.content ?? {}),
      );
      for (const { schema, example, examples = {} } of contents) {
        if (example !== undefined) assert.deepEqual(problemsOf(schema, example), [], name);
        for (const reason of Object.keys(examples))
          assert.deepEqual(problemsOf(schema, contract.components.examples[reason]?.value), [], reason);
      }
    }
  });
});

/** The fields, at any depth, that say nothing of themselves. */
function undescribed(schema: Schema): string[] {
  return fieldsOf(schema).flatMap(([name, field]) => (field.description ? [] : [name]));
}

function fieldNames(schema: Schema): string[] {
  return fieldsOf(schema).map(([name]) => name);
}

function fieldsOf({ properties = {}, items, anyOf = [] }: Schema): [string, Schema][] {
  const own = Object.entries(properties);
  const inner = [...Object.values(properties), ...(items ? [items] : []), ...anyOf];
  return [...own, ...inner.flatMap(fieldsOf)];
}

describe('what is served of it', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  it('is the document with the address of this server, for tools on any origin', async () => {
    const { status, headers, body } = await server.call('GET', '/openapi.json');
    assert.deepEqual([status, body.openapi, body.servers[0].url], [200, '3.1.1', server.context.publicUrl]);
    assert.deepEqual(body.paths, JSON.parse(JSON.stringify(contract.paths)));
    assert.equal(headers.get('access-control-allow-origin'), '*');
    assertContract({ method: 'GET', path: '/openapi.json' }, { status, headers, body });
  });

  it('is compressed, and not sent again to whoever has it', async () => {
    for (const path of ['/openapi.json', '/docs', '/docs/errors', '/docs/errors/not_found']) {
      const first = await fetch(server.url + path);
      await first.body?.cancel();
      assert.equal(first.headers.get('content-encoding'), 'gzip', path);
      assert.equal(first.headers.get('cache-control'), 'public, max-age=300', path);
      const etag = first.headers.get('etag') ?? '';
      const again = await server.call('GET', path, { headers: { 'if-none-match': `"x", ${etag}` } });
      assert.deepEqual([again.status, again.body], [304, ''], path);
      const plain = await server.call('GET', path, { headers: { 'accept-encoding': 'identity' } });
      assert.deepEqual([plain.status, plain.headers.get('content-encoding')], [200, null], path);
    }
  });
});
