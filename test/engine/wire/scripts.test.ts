import { expect, it } from 'vitest';
import { loadScripts } from '../../../src/engine/wire/scripts.ts';

it.each(Object.entries(loadScripts()))('%s is sent to hosts without its comments', (_name, script) => {
  expect(script.match(/^ *#.*/gm)?.filter((line) => !/^(#!| *# shellcheck )/.test(line)) ?? []).toEqual([]);
});
