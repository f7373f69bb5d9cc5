#!/bin/bash
# Put a runnable Chromium into DIR without root or any change to the host; for the browser tests.
#
# Usage: install_chromium.sh DIR
#
# The packages are those of the host's own Debian release, fetched by apt from the mirror that it already uses and
# checked by its signatures. Only what the host lacks is fetched and unpacked into DIR/root; DIR/chromium starts it with
# these libraries. The last line printed is the path of the program. An installed DIR is left as it is; a failed or
# interrupted run leaves no DIR; parallel runs wait for one another.
set -euo pipefail

fail() { echo "chromium install: $1" >&2; exit "${2:-1}"; }

[ $# -eq 1 ] || fail "usage: install_chromium.sh DIR" 64
for tool in apt-get dpkg dpkg-deb tar flock realpath; do
  command -v "$tool" >/dev/null || fail "this machine has no '$tool': the rootless install needs Debian.
  Install Chromium by your system's own means and put it on PATH, or name it in DIALER_CHROMIUM." 3
done
target=$(realpath -m "$1")
done_already() { [ -x "$target/chromium" ] && [ -f "$target/version" ]; }

done_already && { echo "$target/chromium"; exit 0; }
mkdir -p "$(dirname "$target")" 2>/dev/null || fail "cannot write to $(dirname "$target"): set DIALER_CACHE_DIR to a folder of yours" 4
exec 9>"$target.lock"
flock -w 900 9 || fail "another install into $target has not finished for 15 minutes" 5
done_already && { echo "$target/chromium"; exit 0; }

work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/apt/{lists/partial,archives/partial} "$work/root/usr/lib" "$work/root/usr/bin"
# Merged /usr as on every current Debian: without these links some libraries would land beside the searched path.
for d in bin lib; do ln -sfn "usr/$d" "$work/root/$d"; done
# Sources, keys and the list of installed packages are the host's; everything that is written is ours.
options=(-q -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o APT::Sandbox::User=
  -o Debug::NoLocking=1 -o APT::Install-Recommends=0 -o Acquire::Languages=none -o Acquire::Check-Date=false
  -o Acquire::Check-Valid-Until=false -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20)
advice="Install Chromium yourself (apt-get install chromium), or name one in DIALER_CHROMIUM."

apt-get "${options[@]}" update >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; fail "no package list could be fetched: is the network reachable, the proxy right? $advice" 9; }
echo "chromium install: downloading Chromium (about 100 MB) ..." >&2
# What is installed already is taken from the host, so only what is missing is downloaded.
apt-get "${options[@]}" -y --download-only install chromium fonts-dejavu-core libatomic1 >"$work/log" 2>&1 \
  || { tail -n 5 "$work/log" >&2; fail "the package 'chromium' could not be downloaded. $advice" 10; }
for deb in "$work"/apt/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -C "$work/root" --keep-directory-symlink --no-same-owner -x \
    || fail "could not unpack $(basename "$deb"): is the disk full?" 12
done
[ -x "$work/root/usr/lib/chromium/chromium" ] || fail "the package 'chromium' of this system has no browser in it (a snap?). $advice" 13
# Playwright's own driver needs this one library more than a bare Debian has.
mkdir "$work/driver-lib"
find "$work/root/usr/lib" -name 'libatomic.so*' -exec cp -P {} "$work/driver-lib/" \;
rm -rf "$work/apt" "$work/log" "$work/root/usr/share/doc" "$work/root/usr/share/man"

# The folder is moved into place at the end, so the starter finds its files from its own place.
cat > "$work/chromium" <<'STARTER'
#!/bin/bash
here=$(dirname "$(readlink -f "$0")")
# Some packages keep private libraries in a folder below, which their own files would find at their usual place only.
for lib in "$here"/root/usr/lib/*-linux-gnu "$here"/root/usr/lib/*-linux-gnu/{nss,pulseaudio,blas,lapack}; do
  [ ! -d "$lib" ] || LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done
export LD_LIBRARY_PATH
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/root/usr/lib/chromium/chromium" "$@"
STARTER
cat > "$work/fonts.conf" <<FONTS
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>$target/root/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>$target/fontcache</cachedir>
  <alias><family>sans</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
</fontconfig>
FONTS
chmod +x "$work/chromium"
"$work/chromium" --version > "$work/version" 2>"$work/error" || { cat "$work/error" >&2; fail "the downloaded Chromium does not start. $advice" 14; }
chmod 755 "$work"
rm -rf "$target"
mv -T "$work" "$target"
trap - EXIT
echo "chromium install: $(cat "$target/version") in $target" >&2
echo "$target/chromium"
