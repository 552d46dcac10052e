import { NODES, on } from '../../e2e/support/mcpk.ts';

/**
 * For each unit that mcpk runs: its main process's executable and words, and those that the disk and systemd name now.
 * `ExecStart` is printed as `{ path=… ; argv[]=… ; …}`; arguments of ours hold no blanks.
 */
const SCRIPT = `
for unit in etcd kube-apiserver kube-scheduler kube-controller-manager haproxy keepalived containerd kubelet kube-proxy; do
  pid=$(systemctl show -p MainPID --value $unit)
  [ "$(systemctl show -p LoadState --value $unit)" = loaded ] || continue
  [ "$(systemctl show -p NeedDaemonReload --value $unit)" = no ] || echo "$unit: systemd has not read its files"
  start=$(systemctl show -p ExecStart --value $unit)
  path=\${start#*path=}; path=\${path%% ;*}
  words=\${start#*argv\\[\\]=}; words=\${words%% ;*}
  [ "$pid" != 0 ] || { echo "$unit: does not run"; continue; }
  [ "$(readlink /proc/$pid/exe)" = "$(readlink -f "$path")" ] ||
    echo "$unit: runs $(readlink /proc/$pid/exe), on disk is $(readlink -f "$path")"
  case $unit in
    haproxy | keepalived) ;; # their words hold variables of Debian's units
    *) [ "$(tr '\\0' ' ' </proc/$pid/cmdline)" = "$words " ] || echo "$unit: runs with other words than its unit's" ;;
  esac
done
`;

/** `m1: etcd: …`: processes that are not what the disk says. */
export async function wrongProcesses(): Promise<string[]> {
  const found = await Promise.all(
    NODES.map(async (name) =>
      (await on(name, 'sh', '-c', SCRIPT)).split('\n').flatMap((line) => (line === '' ? [] : [`${name}: ${line}`])),
    ),
  );
  return found.flat();
}
