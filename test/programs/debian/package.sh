# A small package, made, unpacked and removed.
mkdir -p /tmp/p/DEBIAN /tmp/p/usr/share/small /tmp/r/var/lib/dpkg/updates /tmp/r/var/lib/dpkg/info /tmp/r/var/lib/dpkg/triggers
cd /tmp
touch r/var/lib/dpkg/status r/var/lib/dpkg/available
echo small > p/usr/share/small/file
ln -s file p/usr/share/small/link
cat > p/DEBIAN/control << 'END'
Package: small
Version: 1.0
Architecture: all
Maintainer: nobody <a@b>
Description: a package with two files
END
chmod -R u=rwX,go=rX p
dpkg-deb --root-owner-group --build p small.deb
dpkg-deb --contents small.deb | cut -c1-20
dpkg-deb --info small.deb control
dpkg --root=/tmp/r --force-not-root --log=/dev/null --unpack small.deb
echo "unpacked $?"
dpkg --root=/tmp/r --status small | grep Status
dpkg --root=/tmp/r --listfiles small | sort
cat r/usr/share/small/link
dpkg --root=/tmp/r --log=/dev/null --configure small
echo "configured $?"
dpkg --root=/tmp/r --log=/dev/null --purge small
echo "purged $?"
ls r/usr/share 2>&1
