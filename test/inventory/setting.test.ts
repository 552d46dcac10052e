import { expect, it } from 'vitest';
import { readSchema } from '../../src/inventory/schema.ts';
import { settingNamed, settingsOf } from '../../src/inventory/setting.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/process.ts';

const settings = settingsOf(readSchema());

it('knows each setting of docs/inventory.md by its name there', () => {
  const doc = readFileSync(join(ROOT, 'docs/inventory.md'), 'utf8');
  const names = [...doc.matchAll(/^## `(\w+)`\n([\s\S]*?)(?=^## )/gm)].flatMap(([, section = '', text = '']) =>
    [...text.matchAll(/^\| `([\w[\].]+)` \|/gm)].map(([, name = '']) =>
      section === 'groups' ? `groups.worker.${name}` : `${section}.${name}`,
    ),
  );
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => settingNamed(settings, name).meaning === '')).toEqual([]);
});
