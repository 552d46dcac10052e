import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createRenderer, type Renderer } from '../../src/render/render.ts';
import { specsIn } from '../../src/render/specs.ts';
import { file } from '../../src/states/build.ts';
import { STAGES } from '../../src/states/index.ts';
import { dryRun, greetingStage, itemsOf } from './dry-run.ts';

/** A folder of templates with one of the component `greeting`. */
async function rendererOf(text: string): Promise<Renderer> {
  const templates = await mkdtemp(join(tmpdir(), 'mcpk-templates-'));
  await mkdir(join(templates, 'greeting'));
  await writeFile(join(templates, 'greeting/greeting.service.hbs'), text);
  return createRenderer(specsIn(templates));
}

const UNIT = `[Service]
ExecStart=/usr/bin/echo {{quote greeting}}
`;

it("a template becomes the file of a stage, quoted for the file's format", async () => {
  const renderer = await rendererOf(UNIT);
  const text = renderer.render('greeting/greeting.service', { greeting: 'all "100%"\nExecStart=/bin/sh' });
  const run = await dryRun({ stages: [...STAGES, greetingStage([file('/etc/greeting', text)])] });
  expect(itemsOf(run, 'greeting', 'w1')).toMatchObject([
    { comparison: { diff: { after: '[Service]\nExecStart=/usr/bin/echo "all \\"100%%\\"\\nExecStart=/bin/sh"\n' } } },
  ]);
});

it.each([
  ['is not there', {}, '"greeting" is not in the data'],
  ['is nothing', { greeting: undefined }, 'nothing'],
  ['is a map', { greeting: {} }, 'is a map|a map'],
])('a value that %s is an error, at its line of the template', async (_what, data, why) => {
  const renderer = await rendererOf(UNIT);
  expect(() => renderer.render('greeting/greeting.service', data)).toThrow(
    expect.objectContaining({
      exitCode: 10,
      message: expect.stringMatching(`^templates/greeting/greeting.service.hbs:2: .*${why}`) as string,
    }),
  );
});
