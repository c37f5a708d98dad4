# A C program of ten files, built by make with four at a time.
mkdir /tmp/p && cd /tmp/p
i=0
while [ $i -lt 10 ]; do
    echo "#include \"all.h\"
int f$i(int x) { char t[20]; sprintf(t, \"%d\", x + $i); return (int)strlen(t) + $i; }" > f$i.c
    echo "int f$i(int);" >> decls
    calls="$calls + f$i(a)"
    i=$((i + 1))
done
(echo '#include <stdio.h>'; echo '#include <string.h>'; cat decls) > all.h
echo "#include \"all.h\"
int main(int a, char **v) { (void)v; return printf(\"%d\", 0$calls) < 0; }" > main.c
cat > Makefile << 'END'
objects = $(patsubst %.c,%.o,$(wildcard *.c))
prog: $(objects)
	gcc -o $@ $^
%.o: %.c all.h
	gcc -O1 -c -o $@ $<
END
make -s -j4
echo "made $?"
./prog; echo
touch f3.c
make -j4 | sort
