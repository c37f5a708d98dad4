# read by bash from its standard input
total=0
for n in 1 2 3 4; do
    ((total += n * n))
done
echo "total $total"
echo "last line"
exit 12
