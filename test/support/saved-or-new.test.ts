import { describe, expect, it } from 'vitest';
import { savedOrNew, type LabState, type LabWays } from './saved-or-new.ts';
import { keepsLab } from './tier.ts';

/** Does nothing, and remembers what it was told to do. */
function fakeWays({
  saved = [],
  load,
  applies = [],
}: {
  saved?: string[];
  load?: Error;
  applies?: (string | undefined)[];
}) {
  const [done, told]: [string[], string[]] = [[], []];
  const ways: LabWays = {
    saved: async () => saved,
    async load(name) {
      done.push(`load ${name}`);
      if (load) throw load;
    },
    save: async (name) => void done.push(`save ${name}`),
    bare: async () => void done.push('bare'),
    async apply() {
      done.push('apply');
      return applies.shift();
    },
    tell: (text) => void told.push(text),
  };
  return { ways, done, told };
}

describe('a lab that is saved or made', () => {
  it.each([
    {
      name: 'is loaded, and made what is wanted',
      keeps: true,
      given: { saved: ['before'] },
      does: ['load before', 'apply'],
    },
    {
      name: 'is made and saved where there is none',
      keeps: true,
      given: { saved: ['ready'] },
      does: ['bare', 'apply', 'save before'],
    },
    {
      name: 'is made anew where all is to be proved',
      keeps: false,
      given: { saved: ['before'] },
      does: ['bare', 'apply'],
    },
    {
      name: 'takes the place of one that does not fit',
      keeps: true,
      given: { saved: ['before'], load: new Error('another image') },
      does: ['load before', 'bare', 'apply', 'save before'],
    },
    {
      name: 'takes the place of one that no apply mends',
      keeps: true,
      given: { saved: ['before'], applies: ['exit 13'] },
      does: ['load before', 'apply', 'bare', 'apply', 'save before'],
    },
  ])('$name', async ({ keeps, given, does }) => {
    const { ways, done } = fakeWays(given);
    await savedOrNew('before', { keeps, ways });
    expect(done).toEqual(does);
  });

  it('says why a saved one gives way', async () => {
    const { ways, told } = fakeWays({ saved: ['before'], applies: ['apply ended with 13'] });
    await savedOrNew('before', { keeps: true, ways });
    expect(told).toContain('the saved lab "before" gives way to another: apply ended with 13');
  });

  it('is not saved where the apply to bare hosts fails', async () => {
    const { ways, done } = fakeWays({ applies: ['apply ended with 20'] });
    await expect(savedOrNew('before', { keeps: true, ways })).rejects.toThrow('apply ended with 20');
    expect(done).toEqual(['bare', 'apply']);
  });
});

it.each<[tier: string, state: LabState, keeps: boolean]>([
  ['lab', 'ready', true],
  ['lab', 'before', true],
  ['full', 'ready', false],
  ['full', 'before', true],
  ['ci', 'ready', false],
  ['ci', 'before', false],
])('the tier "%s" loads and saves the lab in the state "%s": %s', (tier, state, keeps) => {
  expect(keepsLab(state, tier)).toBe(keeps);
});
