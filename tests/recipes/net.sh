#!/bin/sh
# usage: net.sh RESPONDER COMMAND...: runs COMMAND in a private network namespace whose interface v0
# (198.18.0.1/24, 10.255.255.1/8) leads to another with the RESPONDER on v1, whose kernel answers for
# all of 10.0.0.0/9. Both go when COMMAND ends. Exits 77 where there are no namespaces.
set -eu
if [ "${NET_INSIDE:-}" = "" ]; then
    unshare -Urn true 2>/dev/null || exit 77
    NET_INSIDE=1 exec unshare -Urnpf --kill-child "$0" "$@"
fi
responder=$1
shift
folder=$(mktemp -d)
mkfifo "$folder/ready"
unshare -n sh -c '
    exec 3>"$2/ready"
    echo here >&3
    while ! ip link show v1 >/dev/null 2>&1; do sleep 0.01; done
    ip link set lo up
    ip addr add 198.18.0.2/24 dev v1
    ip link set v1 up
    ip route add local 10.0.0.0/9 dev lo
    ip route add 10.255.255.1 dev v1
    exec python3 "$1" v1 >&3' - "$responder" "$folder" &
far=$!
exec 4<"$folder/ready"
rm -rf "$folder"
read -r _ <&4
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v1 netns "$far"
ip addr add 198.18.0.1/24 dev v0
ip addr add 10.255.255.1/8 dev v0
ip link set v0 up
ip route add default via 198.18.0.2
read -r _ <&4
"$@"
