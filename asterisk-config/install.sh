#!/bin/bash
# Put a runnable Asterisk into DIR without root, docker or any change to the host.
#
# Usage: install.sh DIR
#
# The packages are Debian's own (suite sid, see DIALER_ASTERISK_SUITE), fetched from the mirror that this machine's apt
# already uses, checked by apt's signatures, unpacked into DIR/root and run through their own dynamic loader, so that
# the host's C library does not matter. DIR/asterisk starts it. The last line printed is the path of the program.
# An installed DIR is left as it is; a failed or interrupted run leaves no DIR; parallel runs wait for one another.
#
# Environment: DEBIAN_MIRROR (instead of apt's own), DIALER_ASTERISK_SUITE (default sid).
set -euo pipefail

fail() { echo "asterisk install: $1" >&2; exit "${2:-1}"; }

[ $# -eq 1 ] || fail "usage: install.sh DIR" 64
for tool in apt-get apt-cache dpkg dpkg-deb tar flock realpath; do
  command -v "$tool" >/dev/null || fail "this machine has no '$tool': the rootless install needs Debian 12 or newer.
  Install Asterisk 18 or newer by your system's own means and put it on PATH; it is then used as it is." 3
done
target=$(realpath -m "$1")
suite=${DIALER_ASTERISK_SUITE:-sid}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

done_already() { [ -x "$target/asterisk" ] && [ -f "$target/version" ]; }

done_already && { echo "$target/asterisk"; exit 0; }
mkdir -p "$(dirname "$target")" 2>/dev/null || fail "cannot write to $(dirname "$target"): set DIALER_CACHE_DIR to a folder of yours" 4
exec 9>"$target.lock" || fail "cannot write to $(dirname "$target"): set DIALER_CACHE_DIR to a folder of yours" 4
flock -w 900 9 || fail "another install into $target has not finished for 15 minutes" 5
done_already && { echo "$target/asterisk"; exit 0; }

arch=$(dpkg --print-architecture)
case $arch in
  amd64) triplet=x86_64-linux-gnu loader=ld-linux-x86-64.so.2 ;;
  arm64) triplet=aarch64-linux-gnu loader=ld-linux-aarch64.so.1 ;;
  *) fail "unsupported architecture '$arch' (amd64 and arm64 work); install Asterisk 18 or newer yourself and put it on PATH" 6 ;;
esac
[ -r "$keyring" ] || fail "$keyring is missing: install the package debian-archive-keyring, or Asterisk 18 or newer itself" 7

# Those that call themselves Debian first. Where apt has no lists yet (a fresh container image) it knows no origins and
# shows nothing, unless asked without: then every source is tried but the security ones, which have no Asterisk.
targets() { apt-get indextargets "$@" 'Created-By: Packages' 2>/dev/null || true; }
mirrors() {
  if [ -n "${DEBIAN_MIRROR:-}" ]; then echo "$DEBIAN_MIRROR"; return; fi
  { targets --format '$(ORIGIN)|$(REPO_URI)' | sed -n 's/^Debian|//p'
    targets --no-release-info --format '$(REPO_URI)'; } | { grep -v -i security || true; } | awk '!seen[$0]++'
}
mapfile -t candidates < <(mirrors)
[ "${#candidates[@]}" -gt 0 ] || fail "apt knows no Debian mirror (apt-get indextargets is empty).
  Set DEBIAN_MIRROR to one, or install Asterisk 18 or newer yourself (on Ubuntu: apt-get install asterisk)." 8

work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/apt/{lists/partial,archives/partial,etc/{trusted.gpg.d,apt.conf.d,preferences.d}} "$work"/root/usr/{bin,sbin,lib,lib64}
# Merged /usr as on every current Debian: without these links some libraries would land beside their loader's path.
for d in bin sbin lib lib64; do ln -sfn "usr/$d" "$work/root/$d"; done
: > "$work/apt/status"

# sid's Release can look expired on a machine whose clock or mirror lags; signatures are still checked.
options=(-q -o "Dir::Etc=$work/apt/etc" -o "Dir::State::lists=$work/apt/lists" -o "Dir::State::status=$work/apt/status"
  -o "Dir::Cache=$work/apt" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::netrc=/etc/apt/auth.conf -o Dir::Etc::netrcparts=/etc/apt/auth.conf.d
  -o APT::Sandbox::User= -o Debug::NoLocking=1 -o APT::Update::Error-Mode=any -o APT::Install-Recommends=0
  -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false
  -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20)

reached= found=
for mirror in "${candidates[@]}"; do
  echo "deb [signed-by=$keyring arch=$arch] $mirror $suite main" > "$work/apt/etc/sources.list"
  apt-get "${options[@]}" update >"$work/log" 2>&1 || continue
  reached=$mirror
  if apt-cache "${options[@]}" show --no-all-versions asterisk >/dev/null 2>&1; then found=$mirror; break; fi
done
if [ -z "$reached" ]; then
  grep -E '^(E|W|Err)' "$work/log" | tail -n 5 >&2 || true
  fail "no package list of '$suite' could be fetched from apt's mirror: is the network reachable, the proxy right?" 9
fi
[ -n "$found" ] || fail "the mirror has no package 'asterisk' in '$suite' for $arch.
  Set DEBIAN_MIRROR or DIALER_ASTERISK_SUITE, or install Asterisk 18 or newer yourself and put it on PATH." 10

echo "asterisk install: downloading Asterisk from Debian $suite (about 100 MB) ..." >&2
apt-get "${options[@]}" -y --download-only install asterisk asterisk-core-sounds-en-wav asterisk-core-sounds-en-gsm \
  >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; fail "the download failed: is the network reachable, the disk full?" 11; }
for deb in "$work"/apt/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -C "$work/root" --keep-directory-symlink --no-same-owner -x \
    || fail "could not unpack $(basename "$deb"): is the disk full?" 12
done
ln -sfn en_US_f_Allison "$work/root/usr/share/asterisk/sounds/en"
rm -rf "$work/apt" "$work/log" "$work/root/usr/share/doc" "$work/root/usr/share/man" "$work/root/usr/share/locale"

# The folder is moved into place at the end, so the starter finds its files from its own place.
cat > "$work/asterisk" <<STARTER
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")
lib=\$here/root/usr/lib/$triplet
exec "\$lib/$loader" --library-path "\$lib" "\$here/root/usr/sbin/asterisk" "\$@"
STARTER
chmod +x "$work/asterisk"
"$work/asterisk" -V > "$work/version" || fail "the downloaded Asterisk does not start on this machine" 13
chmod 755 "$work"
rm -rf "$target"
mv -T "$work" "$target"
trap - EXIT
echo "asterisk install: $(cat "$target/version") in $target" >&2
echo "$target/asterisk"
