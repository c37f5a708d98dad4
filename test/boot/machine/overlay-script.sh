# What overlayfs does, in answers that do not depend on the time: run on Linux once (overlay.txt says which), then on Ouro.
mkdir -p /lo/d/e /lo/opq /lo/h /r /m
echo one >/lo/a; echo two >/lo/b; chmod 640 /lo/b; echo deep >/lo/d/e/f; echo x >/lo/opq/x; ln -s a /lo/l
echo k >/lo/h/k; ln /lo/h/k /lo/h/k2; mkdir /lo/empty; truncate -s 1M /lo/sparse; echo end >>/lo/sparse
touch -d @1000000000 /lo/a /lo/b /lo/d/e/f /lo/d/e /lo/d
mkdir /r/up /r/work
mount -t overlay -o lowerdir=/lo,upperdir=/r/up none /m && echo 'no workdir, and mounted'
mount -t overlay -o lowerdir=/lo,upperdir=/r/up,workdir=/lo/d none /m && echo 'workdir elsewhere, and mounted'
mount -t overlay -o lowerdir=/lo,upperdir=/r/up,workdir=/r/work none /m || exit 1
cd /m
find . | sort
i=$(stat -c %i a); exec 5<a; echo more >>a
echo "== open before the copy"; cat <&5; exec 5<&-; cat a; [ "$i" = "$(stat -c %i a)" ] && echo same number; cat /lo/a
echo "== attributes"; stat -c '%a %Y' b d/e/f d; chmod 600 d/e/f; stat -c '%a %Y' d/e/f d d/e; ls -1 /r/up/d/e
echo "== removal"; rm b; ls -1; stat -c %F /r/up/b; echo new >b; cat b; rm b; mkdir b; ls -1A b; ls -1 /r/up
rm -r opq; mkdir opq; ls -1A opq; rmdir opq; ls -d opq
mknod w c 0 0; rmdir d; rmdir h
echo "== rename"; mv d dd; ls -1 dd/e d; mv a aa; ls -1; cat aa; stat -c %F /r/up/a
ln aa aaa; stat -c %h aa aaa; mv -T empty dd; mkdir new; mv -T new empty; ls -d new; echo 5 >five; mv -T five b; mv five aa; cat aa aaa
echo "== links"; stat -c %h h/k; echo 1 >>h/k; cat h/k2; stat -c %h h/k h/k2; rm h/k; cat h/k2
mkdir -p opq/sub; echo o >opq/sub/o; mv opq opq2; ls -d opq; mkdir opq; ls -1A opq; mv -T opq2/sub opq; ls -1A opq
echo "== sizes"; truncate -s 100 sparse; stat -c %s sparse; stat -c %s /lo/sparse; : >dd/e/f; stat -c %s dd/e/f
for i in 1 2 3 4 5 6 7 8 9; do echo $i >h/$i; done; ls -1 h; rm h/*; ls -1A h; rmdir h; ls -d h; echo via >l; cat aa
echo "== end"; find . | sort; (cd /r/up; find . | sort | while read f; do echo "$f $(stat -c %F "$f")"; done)
exec 6<aa; cd /; umount /m; exec 6<&-; umount /m; ls -1 /m; cat /lo/a /lo/b
echo "== layers without their mount"; mkdir -p /t; mount -t tmpfs none /t; mkdir /t/lo /t/up /t/work; echo low >/t/lo/f
mount -t overlay -o lowerdir=/t/lo,upperdir=/t/up,workdir=/t/work none /m; umount /t && echo 'a layer unmounted'
cat /m/f; echo up >/m/g; cat /m/g; umount /m; ls -1A /t
echo "== several lower layers"; for l in 1 2 3; do mkdir -p /L/$l/d/only$l; echo $l >/L/$l/f; echo $l >/L/$l/d/g; echo $l >/L/$l/d/g$l; echo $l >/L/$l/x; done
rm /L/1/f /L/1/x /L/2/x; mknod /L/1/f c 0 0; mknod /L/2/d/g3 c 0 0; mkdir -p /L/up /L/w /L/3/opq /L/2/opq /L/1/opq; echo 3 >/L/3/opq/3; echo 1 >/L/1/opq/1; rm -r /L/2/d/only2
mount -t overlay -o lowerdir=/L/1 none /m && echo 'one layer, and mounted'
mount -t overlay -o lowerdir=/L/1:/L/2:/L/3 none /m || exit 1
find /m | sort; cat /m/x /m/d/g /m/d/g1 /m/d/g2; echo no >/m/new; rm -f /m/x; mount -o remount,rw /m; grep -c ' /m overlay ro' /proc/mounts; umount /m
mount -t overlay -o lowerdir=/L/1:/L/2:/L/3,upperdir=/r/up,workdir=/r/work none /m && umount /m
rm -rf /r/up /r/work; mkdir /r/up /r/work
mount -t overlay -o lowerdir=/L/1:/L/2:/L/3,upperdir=/r/up,workdir=/r/work none /m || exit 1
cd /m; i=$(stat -c %i x); echo more >>x; cat x; [ "$i" = "$(stat -c %i x)" ] && echo same number; rm d/g d/g2; ls -1 d; echo back >d/g; cat d/g; rm -r opq; mkdir opq; ls -1A opq
echo new >f; cat f; rm -r d; ls -d d; mkdir d; ls -1A d; find . | sort; cd /; umount /m; cat /L/3/x /L/1/d/g /L/2/d/g2; ls -1 /L/1 /L/2 /L/3
