#!/usr/bin/env bash
# The whole life of the service on a fresh machine, with the time each step takes: installed, filled, tried, loaded,
# backed up, lost, brought back to a moment before the loss, upgraded under load, removed. It destroys data, and so
# refuses a machine that has any. Run it as root:
#   packaging/story.sh PACKAGE.deb NEWER.deb [PLANS [ZIP]]
# PLANS is a plan list as `treebeard catalog import` takes it, with plans sold at ZIP (75001). Exit code 1, with the name
# of the step, when one fails.
set -euo pipefail
export LC_ALL=C

if [ $# -lt 2 ]; then
    echo "usage: $0 PACKAGE.deb NEWER.deb [PLANS [ZIP]]" >&2
    exit 2
fi
package=$(realpath "$1")
newer=$(realpath "$2")
plans=$(realpath "${3:-$(dirname "$0")/../assets/demo/catalog.json}")
zip=${4:-75001}

url=http://127.0.0.1:8000
settings=/etc/treebeard/treebeard.toml
data=/var/lib/private/treebeard
# Stands for the other disk: a folder that systemd gives the service as well.
second=/var/lib/private/treebeard-second
change=/etc/systemd/system/treebeard.service.d/second-disk.conf
password="violet tram seven lantern"
work=$(mktemp -d)
table=$work/table

if [ "$(id -u)" -ne 0 ] || [ -e /etc/treebeard ] || [ -e "$data" ] || [ -e "$second" ]; then
    echo "this is for root on a machine without TreeBeard: it installs it, destroys its data, and removes it" >&2
    exit 2
fi

# NAME COMMAND...: runs a step, notes its time, and ends the story where it fails.
step() {
    local name=$1 begun=${EPOCHREALTIME/./} code=0
    shift
    # Not in a condition: there a failing command would not end it.
    set +e
    (set -e; "$@") >"$work/said" 2>&1
    code=$?
    set -e
    if [ $code -ne 0 ]; then
        tail -n 40 "$work/said" >&2
        echo "failed: $name" >&2
        exit 1
    fi
    printf '| %-44s | %9.3f |\n' "$name" "$(((${EPOCHREALTIME/./} - begun) / 1000))e-3" | tee -a "$table"
}

until_ready() {
    for _ in $(seq 300); do
        if treebeard healthcheck --url $url; then return 0; fi
        sleep 0.2
    done
    return 1
}

# PATH JSON: posts, and prints the answer.
post() {
    curl --silent --show-error --fail-with-body --header 'content-type: application/json' --data "$2" "$url$1"
}

register() { post /api/v1/auth/register "{\"email\":\"$1\",\"password\":\"$password\",\"name\":\"Story\",\"zip_code\":\"$zip\"}"; }
sign_in() { post /api/v1/auth/login "{\"username\":\"$1\",\"password\":\"$password\"}"; }

install_package() { apt-get install --yes --option Dpkg::Options::=--force-confold "$1"; }

start() {
    until_ready
    treebeard version
}

# Backups and every commit go to the other disk, too. All callers of the story come from one address: it has no limits.
use_second_disk() {
    mkdir -p "$(dirname $change)"
    printf '[Service]\nStateDirectory=treebeard-second\n' >$change
    cat >>$settings <<'SETTINGS'

[limits]
exempt_networks = ["127.0.0.0/8"]

[backup]
second_dir = "/var/lib/treebeard-second"
archive_dir = "/var/lib/treebeard-second/archive"
SETTINGS
    systemctl daemon-reload
    systemctl restart treebeard.service
    until_ready
    # The first backup of the new archive is made at once, and its copy.
    for _ in $(seq 150); do
        if ls $second/*/manifest.json; then return 0; fi
        sleep 0.2
    done
    return 1
}

# With the link that a start prints, as the first administrator does in a browser.
create_admin() {
    local link
    link=$(journalctl --unit treebeard.service --output cat | sed -n 's/.*first-admin#//p' | tail -n 1)
    post /api/v1/auth/first-admin \
        "{\"token\":\"$link\",\"email\":\"admin@example.org\",\"password\":\"$password\",\"name\":\"Admin\"}"
    sign_in admin@example.org
}

# PATH ARGUMENTS...: as the administrator, and prints the answer.
administer() {
    local path=$1 token
    shift
    token=$(sign_in admin@example.org | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
    curl --silent --show-error --fail-with-body --header "authorization: Bearer $token" "$@" "$url$path"
}

import_plans() { administer /api/v1/admin/catalog/import --form "file=@$plans"; }

smoke() { treebeard smoke --url $url --zip "$zip" --exempt; }

load() { treebeard load --url $url --users 20 --spawn-rate 20 --duration 10 "$@"; }

# One of the service's own, from which the archive leads on, and its copy.
back_up() {
    local before
    before=$(find $second -name manifest.json | wc -l)
    administer /api/v1/admin/backups --request POST
    for _ in $(seq 150); do
        if [ "$(find $second -name manifest.json | wc -l)" -gt "$before" ]; then
            treebeard backup verify --all --config $settings
            return
        fi
        sleep 0.2
    done
    return 1
}

write_and_wait_a_second() {
    register kept@example.org
    sleep 1
    date --utc +%Y-%m-%dT%H:%M:%S.%3NZ >"$work/moment"
    sleep 0.1
    # What comes after that moment reaches the archive as well, and is not wanted back.
    register late@example.org
    sleep 1
}

destroy() {
    rm -rf $data
    systemctl kill --signal=KILL treebeard.service
    systemctl stop treebeard.service treebeard.socket
    test ! -e $data
}

restore() {
    treebeard restore latest --at "$(cat "$work/moment")" --config $settings
    systemctl start treebeard.socket treebeard.service
    until_ready
}

what_was_written_is_there() {
    sign_in kept@example.org
    sign_in admin@example.org
    ! sign_in late@example.org
}

upgrade() {
    local before driver
    before=$(systemctl show --value --property=MainPID treebeard.service)
    # Not asked for health, which says no while a version takes its leave.
    load --mix list_plans=40,get_plan=15,get_profile=10,list_suppliers=8,upload_usage=5,generate_recommendations=4 \
        >"$work/beside" 2>&1 &
    driver=$!
    sleep 3
    install_package "$newer"
    if ! wait $driver; then
        cat "$work/beside"
        return 1
    fi
    test "$before" != "$(systemctl show --value --property=MainPID treebeard.service)"
    test "$(dpkg-query --show --showformat='${Version}' treebeard)" = "$(dpkg-deb --field "$newer" Version)"
    sign_in kept@example.org
}

uninstall() {
    apt-get purge --yes treebeard
    rm -rf $second /var/lib/treebeard-second $change
    test ! -e /usr/bin/treebeard
    test ! -e /etc/treebeard
    test ! -e $data
    ! curl --silent --max-time 5 $url
}

printf '| %-44s | %9s |\n|%s|%s|\n' step seconds ---------------------------------------------- ----------: | tee "$table"
step "install the package" install_package "$package"
step "the service answers" start
step "backups and archive on the second disk" use_second_disk
step "create the administrator" create_admin
step "import the plans" import_plans
step "smoke" smoke
step "load: 20 users, 10 s" load
step "back up" back_up
step "write, and wait a second twice" write_and_wait_a_second
step "destroy the data" destroy
step "restore to the second before" restore
step "what was written is there" what_was_written_is_there
step "smoke again" smoke
step "upgrade under load: 20 users, 10 s" upgrade
step "smoke after the upgrade" smoke
step "uninstall" uninstall
rm -rf "$work"
