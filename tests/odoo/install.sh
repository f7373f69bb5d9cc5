#!/bin/bash
# Installs a real Odoo 19 with its CRM, the OCA phone-call log and a private PostgreSQL for tests:
#   tests/odoo/install.sh
# Everything lands in one folder (DIALER_CACHE_DIR or ~/.cache/asterisk-dialer, then odoo/), without root and without
# any change to the system; a second run finds it and ends at once. Odoo is Debian's package from sid, PostgreSQL that of
# this system's release, both checked by apt's signatures. The three downloads run beside one another.
# Prints the folder on the last line.
set -euo pipefail

dest=${DIALER_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/asterisk-dialer}/odoo
here=$(cd "$(dirname "$0")" && pwd)
version=$(cat "$here"/{install.sh,requirements.txt,server.py} | sha256sum | cut -c1-16)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
export PY=${PY:-python3}
say() { echo "odoo install: $*" >&2; }
fail() { say "$1"; exit "${2:-1}"; }

mkdir -p "$dest"
exec 9>"$dest.lock"
flock -w 1500 9 || fail "another install has not finished for 25 minutes" 5
if [ "$(cat "$dest/ready" 2>/dev/null || true)" = "$version" ]; then
    echo "$dest"
    exit 0
fi
find "$dest" -mindepth 1 -delete
started=$SECONDS

# An apt of our own under $1; more options follow.
apt_of() {
    mkdir -p "$1"/{lists,archives}/partial
    options=(-q -o "Dir::State::lists=$1/lists" -o "Dir::Cache=$1" -o APT::Sandbox::User= -o Debug::NoLocking=1
        -o APT::Install-Recommends=0 -o Acquire::Languages=none -o Acquire::Check-Date=false
        -o Acquire::Check-Valid-Until=false -o Acquire::Retries=3 -o Acquire::http::Timeout=30
        -o Acquire::https::Timeout=30 "${@:2}")
}

unpack() {
    mkdir -p "$2"
    dpkg-deb --fsys-tarfile "$1" | tar -C "$2" --keep-directory-symlink --no-same-owner -x "${@:3}"
}

# What the host has is taken from it, so only what is missing is downloaded.
fetch_postgres() {
    apt_of "$dest/apt-pg"
    apt-get "${options[@]}" update
    local name
    name=$(apt-cache "${options[@]}" depends postgresql | sed -n 's/.*Depends: \(postgresql-[0-9]*\)$/\1/p')
    apt-get "${options[@]}" -y --download-only --reinstall install "$name"
    mkdir -p "$dest"/pg/usr/lib
    ln -sfn usr/lib "$dest/pg/lib"
    for deb in "$dest"/apt-pg/archives/*.deb; do
        # The compiler for queries is large and not needed.
        case $(basename "$deb") in libllvm* | *common*_all.deb | perl* | *ssl-cert*) continue ;; esac
        unpack "$deb" "$dest/pg" --exclude='./usr/share/doc*' --exclude='./usr/share/man*' \
            --exclude='./usr/share/locale*' --exclude='*/bitcode/*'
    done
    rm -rf "$dest/apt-pg"
}

fetch_odoo() {
    local apt="$dest/apt-odoo" site
    mkdir -p "$apt/etc"
    : >"$apt/status"
    apt_of "$apt" -o "Dir::State::status=$apt/status" -o "Dir::Etc::sourcelist=$apt/etc/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null
    for site in $(mirrors); do
        echo "deb [signed-by=$keyring] $site sid main" >"$apt/etc/sources.list"
        apt-get "${options[@]}" update && (cd "$apt" && apt-get "${options[@]}" download odoo-19) && break
    done
    unpack "$apt"/odoo-19_*.deb "$dest/code" --exclude='*/i18n' --exclude='*/l10n_*' --exclude='*.scss' \
        --exclude='*.js' --exclude='*/static/lib' --exclude='*/static/tests' --exclude='./usr/share/doc*'
    rm -rf "$apt"
}

mirrors() {
    if [ -n "${DEBIAN_MIRROR:-}" ]; then echo "$DEBIAN_MIRROR"; return; fi
    { apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian|//p'
      apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null || true
    } | { grep -v -i security || true; } | awk '!seen[$0]++'
}

make_venv() {
    "$PY" -m venv "$dest/venv"
    local pip=("$dest/venv/bin/python" -m pip --disable-pip-version-check --quiet)
    "${pip[@]}" install --no-compile --only-binary :all: -r "$here/requirements.txt"
    "${pip[@]}" download --no-deps -d "$dest/oca" odoo-addon-crm-phonecall==19.0.1.0.1
    (cd "$dest/oca" && "$dest/venv/bin/python" -m zipfile -e ./*.whl . && rm ./*.whl)
}

# Each in a shell of its own that ends with its first error; what it said is shown only then.
jobs=(fetch_postgres fetch_odoo make_venv)
say "downloading Odoo, PostgreSQL and Python packages (about 250 MB) ..."
pids=()
for job in "${jobs[@]}"; do
    (set -euo pipefail; "$job") >"$dest/$job.log" 2>&1 &
    pids+=($!)
done
for i in "${!jobs[@]}"; do
    wait "${pids[$i]}" || { tail -n 8 "$dest/${jobs[$i]}.log" >&2; fail "${jobs[$i]} failed: is the network reachable?" 9; }
done
say "downloaded after $((SECONDS - started)) s, making the database ..."
"$PY" "$here/server.py" template "$dest"
rm -f "$dest"/*.log
echo "$version" >"$dest/ready"
say "ready after $((SECONDS - started)) s"
echo "$dest"
