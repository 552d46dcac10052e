import { revealed } from './secret.ts';

type Named = Readonly<Record<string, unknown>>;

/**
 * What the kubelet goes by: its flag (`extraArgs`) where one is given, else its file (`config`). `setting` is a name of
 * KubeletConfiguration whose flag has the same words, as `failSwapOn` and `--fail-swap-on`. `null` where the file is to
 * have none, undefined where the inventory says nothing of it; the text `true` or `false` of a flag is that boolean.
 */
export function kubeletSetting(
  { config, extraArgs }: { readonly config: Named; readonly extraArgs: Named },
  setting: string,
): unknown {
  const flag = extraArgs[setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] ?? undefined;
  if (flag === undefined) return revealed(config[setting]);
  return flag === 'true' || flag === 'false' ? flag === 'true' : revealed(flag);
}
