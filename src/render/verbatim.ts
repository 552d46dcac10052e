import * as yaml from 'js-yaml';

/** A plain scalar as its author wrote it. */
class Plain {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const { boolYaml11Tag, intYaml11Tag, intCoreTag, floatYaml11Tag, floatCoreTag, timestampTag } = yaml;
const TYPED = [boolYaml11Tag, intYaml11Tag, intCoreTag, floatYaml11Tag, floatCoreTag, timestampTag];

/** What one reader takes for a number, a date, true or false and another for text: `0123`, `yes`, `12345678901234567890`. */
const plainTag = yaml.defineScalarTag<Plain>('tag:mcpk.io,2026:plain', {
  implicit: true,
  resolve: (source) =>
    TYPED.some(({ resolve, tagName }) => resolve(source, false, tagName) !== yaml.NOT_RESOLVED)
      ? new Plain(source)
      : yaml.NOT_RESOLVED,
  identify: (data) => data instanceof Plain,
  represent: (data: Plain) => data.text,
});

const keyOf = (key: unknown): unknown => (key instanceof Plain ? key.text : key);
const mapTag: typeof yaml.mapTag = {
  ...yaml.mapTag,
  addPair: (map, key, value) => yaml.mapTag.addPair(map, keyOf(key), value),
  has: (map, key) => yaml.mapTag.has(map, keyOf(key)),
};

// The first tag that takes a scalar has it.
const withPlain = ({ tags }: yaml.Schema): yaml.Schema => new yaml.Schema([plainTag, ...tags]);

/** YAML of which nothing but texts, lists and maps is understood: what else a scalar may be stays as it is written. */
export const VERBATIM = withPlain(yaml.CORE_SCHEMA.withTags(yaml.mergeTag, mapTag));

/** Writes what was read by {@link VERBATIM}, and what else there is as `toYaml` does. */
export function dumpVerbatim(value: unknown): string {
  return yaml.dump(value, { lineWidth: -1, noRefs: true, schema: withPlain(yaml.DUMP_SCHEMA) });
}
