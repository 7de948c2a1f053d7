#!/bin/sh
# Make sure there are the programs that tests run: Chromium (or Chrome) and tesseract. Install Debian's where we may, else say how.
has_chromium() {
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null 2>&1 && return
    done
    [ -n "$CHROMIUM" ] && [ -x "$CHROMIUM" ] || [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
}

packages=
has_chromium || packages="$packages chromium"
command -v tesseract >/dev/null 2>&1 || packages="$packages tesseract-ocr"
[ -z "$packages" ] && exit 0

if command -v apt-get >/dev/null 2>&1; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    if $as_root true 2>/dev/null; then
        # shellcheck disable=SC2086  # several packages
        $as_root apt-get update -qq &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $packages >/dev/null && exit 0
    fi
fi
echo "The tests need these programs: Chromium or Chrome, and tesseract. Debian, Ubuntu: sudo apt install$packages" >&2
echo "macOS: install Google Chrome, and tesseract with: brew install tesseract" >&2
echo "Another Chromium can be named: CHROMIUM=/path/to/chrome make test" >&2
exit 1
