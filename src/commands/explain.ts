import { Args } from '@oclif/core';
import type { Setting, SettingInShort } from '../inventory/setting.ts';
import { counted } from '../report/figures.ts';
import { padEnd, paint, type Theme } from '../report/theme.ts';
import { wrap } from '../report/wrap.ts';
import { BaseCommand } from './shared/base-command.ts';

export default class Explain extends BaseCommand<typeof Explain> {
  static override readonly summary = 'Say what a setting of the inventory means.';
  static override readonly description =
    'What it does, its type and its default, and the same of what there is below it; without a setting, the sections. The same as docs/inventory.md. Nothing is contacted, no inventory is needed.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> network',
    '<%= config.bin %> <%= command.id %> endpoint.tls',
    '<%= config.bin %> <%= command.id %> podCidr',
  ];
  static override readonly args = {
    setting: Args.string({ description: 'Such as network.podCidr; its last word alone where that names only one.' }),
  };

  async run(): Promise<Setting> {
    const [{ settingNamed, settingsOf, WHOLE }, { readSchema }] = await Promise.all([
      import('../inventory/setting.ts'),
      import('../inventory/schema.ts'),
    ]);
    const setting = settingNamed(settingsOf(readSchema()), this.args.setting ?? WHOLE);
    this.print(`${lines(setting, this.theme).join('\n')}\n`);
    return setting;
  }
}

function lines(setting: Setting, theme: Theme): string[] {
  const { name, meaning, type, needed, example, settings } = setting;
  const facts = [
    ['type', type],
    ['default', setting.default ?? (needed ? 'none: it is needed' : undefined)],
    ['example', example],
  ].flatMap(([word = '', text]) => (text === undefined ? [] : wrap(theme, `  ${padEnd(word, 9)}${text}`, 11)));
  const width = Math.max(0, ...settings.map((each) => each.name.length));
  const below = settings.flatMap((each) => wrap(theme, `  ${padEnd(each.name, width)}  ${inShort(each)}`, width + 4));
  return [
    ...(name === '' ? [] : [paint(theme, 'bold', name), ...facts, '']),
    ...wrap(theme, meaning),
    ...(below.length === 0 ? [] : ['', `${counted(settings.length, 'setting')}:`, ...below]),
  ];
}

/** `Tag of the sandbox image. [an image tag; default: 3.10.1]`; what a map takes is told by its own settings. */
function inShort({ meaning, type, needed, default: byDefault }: SettingInShort): string {
  const facts = [
    ...(type === 'map' ? [] : [type]),
    ...(byDefault === undefined ? [] : [`default: ${byDefault}`]),
    ...(needed && byDefault === undefined ? ['needed'] : []),
  ];
  return facts.length === 0 ? meaning : `${meaning} [${facts.join('; ')}]`;
}
