#!/bin/sh
# SPDX-License-Identifier: MIT
# bench/linux.sh FOLDER: unpacks Debian's cloud kernel in FOLDER, unless it is there, and links it as FOLDER/vmlinuz.
# The package comes through the computer's apt configuration; nothing is installed, and root is not needed.
set -eu
folder=$1
[ ! -e "$folder/vmlinuz" ] || [ ! -e "$folder/modules/virtio_blk.ko" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$package" ] || { echo "apt knows no linux-image-cloud-amd64" >&2; exit 1; }
apt-get download -q "$package"
dpkg-deb -x "$package"_*.deb .
rm -f "$package"_*.deb
mkdir -p modules # of virtio cards and disks
for name in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net virtio_blk; do
    find lib/modules -name "$name.ko" -exec cp {} modules \;
done
rm -rf lib usr # other modules, and documents
ln -sf boot/vmlinuz-* vmlinuz
