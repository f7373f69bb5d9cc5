#!/bin/sh
# Installs a real Odoo 19 with its CRM, the OCA phone-call log and a private PostgreSQL for tests:
#   tests/odoo/install.sh
# Everything lands in one folder (DIALER_CACHE_DIR or ~/.cache/asterisk-dialer, then odoo/); a second
# run finds it and ends at once. Nothing is installed into the system but, when root runs this and
# none is there, Debian's PostgreSQL. Prints the folder on the last line.
set -eu

dest=${DIALER_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/asterisk-dialer}/odoo
version=1
here=$(cd "$(dirname "$0")" && pwd)
say() { echo "odoo: $*" >&2; }

mkdir -p "$dest"
exec 9>"$dest.lock"
flock 9
if [ "$(cat "$dest/ready" 2>/dev/null || true)" = "$version" ]; then
    echo "$dest"
    exit 0
fi

postgres_bin() {
    for folder in /usr/lib/postgresql/*/bin "$dest"/pg/usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] && { echo "$folder"; return; }
    done
    return 1
}

fetch_postgres() {
    say "fetching PostgreSQL"
    if [ "$(id -u)" = 0 ]; then
        apt-get install -y -q --no-install-recommends postgresql >&2
        return
    fi
    (mkdir -p "$dest/pg" && cd "$dest/pg" && apt-get download -q $(apt-cache depends postgresql |
        sed -n 's/.*Depends: \(postgresql-[0-9]*\)$/\1/p') libpq5 libllvm14 >&2 &&
        for deb in *.deb; do dpkg-deb -x "$deb" .; rm "$deb"; done)
}

fetch_odoo() {
    # Only Debian's unstable has Odoo 19: an apt of its own, from the archive that is configured.
    say "fetching Odoo"
    apt="$dest/apt"
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    site=$(apt-get indextargets --format '$(SITE)' 'Component: main' 'Created-By: Packages' | head -1)
    key=$(ls /usr/share/keyrings/debian-archive-keyring.* | head -1)
    echo "deb [signed-by=$key] $site sid main" >"$apt/sources.list"
    set -- -q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State="$apt/state" -o Dir::State::lists="$apt/state/lists" \
        -o Dir::Cache="$apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User=
    apt-get "$@" update >&2
    (cd "$apt" && apt-get "$@" download odoo-19 >&2)
    mkdir -p "$dest/code"
    dpkg-deb --fsys-tarfile "$apt"/odoo-19_*.deb | tar -x -C "$dest/code" \
        --exclude='*/i18n' --exclude='*/l10n_*' --exclude='*.scss' \
        --exclude='*/static/tests' --exclude='./usr/share/doc*'
    rm -rf "$apt"
}

make_venv() {
    say "installing what Odoo needs"
    "${PY:-python3}" -m venv "$dest/venv"
    "$dest/venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" >&2
    "$dest/venv/bin/pip" download -q --disable-pip-version-check --no-deps -d "$dest/oca" \
        odoo-addon-crm-phonecall==19.0.1.0.1 >&2
    (cd "$dest/oca" && "$dest/venv/bin/python" -m zipfile -e ./*.whl . && rm ./*.whl)
}

make_database() {
    say "making the template database"
    "${PY:-python3}" "$here/server.py" template "$dest"
}

rm -rf "$dest/code" "$dest/venv" "$dest/oca" "$dest/data" "$dest/apt"
postgres_bin >/dev/null || fetch_postgres
fetch_odoo
make_venv
make_database
echo "$version" >"$dest/ready"
echo "$dest"
