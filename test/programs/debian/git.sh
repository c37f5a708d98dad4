export HOME=/tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000' GIT_PAGER=cat
cd /tmp
git init -q -b main one
cd one
i=0
while [ $i -lt 20 ]; do echo "file $i" > f$i; i=$((i + 1)); done
git add .
git commit -q -m first
echo more >> f3
git rm -q f4
git commit -q -a -m second
git log --stat
git checkout -q -b side HEAD~1
echo other >> f5
git commit -q -a -m third
git merge -q --no-edit main
git log --graph --oneline
git gc -q
git count-objects -v | sed /size/d
git fsck
cd ..
git clone -q one two
git -C two log --oneline side
git -C two status
git -C two diff HEAD~1
git -C two archive HEAD f1 f2 | tar -t
