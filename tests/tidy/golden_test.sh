#!/bin/sh
# golden_test.sh GOT GOLDEN: fails when a list is not, in sorted order, the one
# that was agreed on. Edit the golden only on purpose.
sort "$1" | diff -u "$2" -
