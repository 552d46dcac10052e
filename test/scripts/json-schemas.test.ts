import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { jsonSchemas } from '../../scripts/json-schemas.ts';
import { ROOT } from '../../scripts/process.ts';
import { COMMANDS } from '../../src/commands/main.ts';
import { checkJson } from '../support/json-schema.ts';

const FOLDER = join(ROOT, 'schema/json');

describe('schema/json', () => {
  it('has what the commands return by now: npm run generate', () => {
    const there = readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]);
    expect(Object.fromEntries(there)).toEqual(Object.fromEntries(jsonSchemas()));
  });

  it('has a file for each command with --json, and one for errors', () => {
    const printing = Object.entries(COMMANDS).flatMap(([id, { enableJsonFlag }]) => (enableJsonFlag ? [id] : []));
    const names = [...printing.map((id) => id.replace(':', '-')), 'error'].map((name) => `${name}.schema.json`);
    expect(readdirSync(FOLDER).toSorted()).toEqual(names.toSorted());
  });

  it.each(readdirSync(FOLDER))('%s is a schema of draft 7 that says something', (name) => {
    const schema = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as object;
    const check = new Ajv({ strict: true, formats: { 'date-time': true } }).compile(schema);
    expect([check({}), check([]), check(undefined)]).toEqual([false, false, false]);
  });
});

describe('what is printed', () => {
  it('is held against it', () => {
    const version = { mcpk: '0.1.0', node: '24.0.0', platform: 'linux-x64' };
    expect(() => checkJson('version', version)).not.toThrow();
    expect(() => checkJson('version', { ...version, node: 24 })).toThrow('/node must be string');
    expect(() => checkJson('version', { ...version, more: 1 })).toThrow('must NOT have additional properties');
    expect(() => checkJson('version', { error: { code: 'usage' }, errors: [] })).toThrow("property 'exitCode'");
  });
});
