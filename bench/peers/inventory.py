"""The hosts of hosts.json, which Ansible reads as it is."""

import json
import os

config = os.environ["MCPK_LAB_SSH_CONFIG"]
with open("hosts.json", encoding="utf-8") as file:
    described = json.load(file)["all"]["hosts"]
hosts = [
    (name, {**data, "ssh_config_file": config, "ssh_strict_host_key_checking": "yes"})
    for name, data in described.items()
]
