"""What `mcpk show --json` describes, in pyinfra's own operations."""

from pyinfra import host
from pyinfra.operations import apt, files, server, systemd

work = host.data.work

apt.packages(packages=work["packages"], no_recommends=True)
for user in work["users"]:
    server.group(group=user["group"], system=True)
    server.user(
        user=user["name"],
        group=user["group"],
        home=user["home"],
        shell="/usr/sbin/nologin",
        system=True,
        ensure_home=False,
    )
for each in work["directories"]:
    files.directory(path=each["path"], user=each["owner"], group=each["group"], mode=each["mode"])
changes = [
    files.put(
        src=f"files/{host.name}{each['path']}",
        dest=each["path"],
        user=each["owner"],
        group=each["group"],
        mode=each["mode"],
        create_remote_dir=False,
    )
    for each in work["files"]
]
for each in work["blocks"]:
    files.block(path=each["path"], content=each["content"].rstrip("\n"), marker=f"# {{mark}} mcpk {each['name']}")
for each in work["links"]:
    files.link(path=each["path"], target=each["target"], force=True, create_remote_dir=False)
for each in work["sysctls"]:
    server.sysctl(key=each["key"], value=each["value"])
systemd.daemon_reload(_if=lambda: any(change.did_change() for change in changes))
for each in work["units"]:
    systemd.service(service=each["name"], running=each["running"], enabled=each["enabled"])
