import { describe, expect, it } from 'vitest';
import { secretly, Secret } from '../../src/core/secret.ts';
import { compileValidator } from '../../src/core/validate.ts';
import { renderInventoryDoc } from '../../src/inventory/document.ts';
import { loadTexts } from '../../src/inventory/load.ts';
import { renderReference } from '../../src/inventory/reference.ts';
import { readSchema, type JsonSchema } from '../../src/inventory/schema.ts';
import type { Cluster, FreeText } from '../../src/inventory/types.ts';
import { file } from '../../src/states/build.ts';
import { bareSettings } from '../inventory/bare-settings.ts';
import { ONE } from '../inventory/load-text.ts';
import { dryRun, greetingStage, itemsOf } from './dry-run.ts';

/** The schema with `system.greeting`, and the lines that it gives to src/inventory/types.ts. */
function schemaWith(more: JsonSchema): JsonSchema {
  const { properties = {}, ...schema } = readSchema();
  const { properties: own = {}, ...system } = properties['system'] ?? {};
  return { ...schema, properties: { ...properties, system: { ...system, properties: { ...own, greeting: more } } } };
}
type WithGreeting = Cluster & { readonly system: { readonly greeting: FreeText } };

const GREETING: JsonSchema = { type: 'string', description: 'What a host says.', default: 'hello' };
const [free, open] = await Promise.all([loaderOf('x-secret'), loaderOf('x-open')]);

async function loaderOf(mark: 'x-secret' | 'x-open'): Promise<(more?: string) => Promise<WithGreeting>> {
  const schema = schemaWith({ ...GREETING, [mark]: true });
  const validator = await compileValidator(schema);
  return (more = '') =>
    loadTexts([{ file: 'a.yaml', text: `${ONE}${more}` }], {
      schema,
      validator,
      env: { HOME: '/', MCPK_GREETING: 'hunter2', MCPK_PORT: '22' },
    }) as Promise<WithGreeting>;
}

describe('a setting', () => {
  it('has its default, or what the inventory says', async () => {
    expect((await free()).system.greeting).toBe('hello');
    expect((await free('system: { greeting: salve }')).system.greeting).toBe('salve');
  });

  it('stands in docs/inventory.md and in the reference, described and with its default', () => {
    const schema = schemaWith(GREETING);
    expect(renderInventoryDoc(schema)).toMatch(/`[\w.]*greeting`.*What a host says\..*/);
    expect(renderInventoryDoc(schema)).toMatch(/`[\w.]*greeting`.*hello.*/);
    expect(renderReference(schema)).toMatch(/^ {2}# What a host says\.\n {2}greeting: hello$/m);
    expect(bareSettings(schema)).toEqual([]);
  });

  it.each([{ default: 'hello' }, { description: 'What a host says.' }])('that has only %j is found', (half) => {
    expect(bareSettings(schemaWith({ type: 'string', ...half }))).toEqual(['system.greeting']);
  });

  it.each([
    ['greeting: 5', 'a.yaml:3:21 system.greeting: must be text, not 5'],
    ['greting: x', 'a.yaml:3:11 system.greting: is not a setting; did you mean greeting?'],
  ])('that is wrong, %s, is told with its place', async (text, line) => {
    await expect(free(`system: { ${text} }`)).rejects.toMatchObject({
      exitCode: 10,
      details: [expect.stringContaining(line)],
    });
  });
});

describe('a value of the environment in it', () => {
  it('is a secret in free text, and reaches no plan, by way of secretly', async () => {
    const cluster = await free('system: { greeting: "${MCPK_GREETING}" }');
    expect(cluster.system.greeting).toBeInstanceOf(Secret);
    const text = secretly(cluster.system.greeting, (plain) => `greeting = ${plain}\n`);
    const everywhere = { hosts: () => cluster.hosts, needs: [] };
    const run = await dryRun({ cluster, stages: [greetingStage([file('/etc/greeting', text)], everywhere)] });
    expect(itemsOf(run, 'greeting', 'm1')).toMatchObject([{ comparison: { verb: 'create' } }]);
    expect(JSON.stringify(run.plan)).not.toContain('hunter2');
    expect(run.tree.stages.at(-1)?.hosts[0]?.resources).toMatchObject([{ mode: '0600' }]);
  });

  it('is refused in what all users of a host can read, but for numbers', async () => {
    await expect(open('system: { greeting: "${MCPK_GREETING}" }')).rejects.toMatchObject({
      exitCode: 10,
      details: [expect.stringContaining('a.yaml:3:21 system.greeting: takes only numbers')],
    });
    expect((await open('system: { greeting: "port ${MCPK_PORT}" }')).system.greeting).toBe('port 22');
  });
});
