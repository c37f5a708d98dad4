# SPDX-License-Identifier: MIT
# Looks at the words of a command line before anything is installed or built for them; the tool looks again.
#
#   awk -f words.awk nearest WORD CANDIDATE...
#       The candidate that a mistyped word may mean: the one with the fewest letters inserted, removed, replaced or swapped with
#       their neighbour, at most two, and fewer than it has. Nothing: none is near.
#   awk -f words.awk check HELP HABITS COMMAND WORD...
#       What is wrong with the first wrong option, as machine/suggest.c says it, or the first word that is none of the command's.
#       Otherwise the number of the word that is the program, or 0: there is none, or an option says where to look for it.
#
# HELP is the command's page in tool/help, HABITS machine/habits.inc.

function least(a, b) { return a < b ? a : b }

function distance(a, b,    i, j, d, cost) {
    for (i = 0; i <= length(a); i++) d[i, 0] = i
    for (j = 0; j <= length(b); j++) d[0, j] = j
    for (i = 1; i <= length(a); i++)
        for (j = 1; j <= length(b); j++) {
            cost = substr(a, i, 1) != substr(b, j, 1)
            d[i, j] = least(least(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + cost)
            if (i > 1 && j > 1 && substr(a, i, 1) == substr(b, j - 1, 1) && substr(a, i - 1, 1) == substr(b, j, 1))
                d[i, j] = least(d[i, j], d[i - 2, j - 2] + 1)
        }
    return d[length(a), length(b)]
}

# The nearest of candidates[1] to candidates[count].
function nearest(word, candidates, count,    i, n, best, found) {
    best = 3
    for (i = 1; i <= count; i++) {
        n = distance(word, candidates[i])
        if (n < best && n < length(candidates[i])) { best = n; found = candidates[i] }
    }
    return found
}

# Sets options[1] to options[option_count], the long names; takes[NAME]: has an argument, for long names and letters; sections.
function read_help(file,    line, name, letter, argument) {
    while ((getline line < file) > 0) {
        if (match(line, /^ +\[[a-z]+\|[a-z|]+\]\.\.\./))
            sections = "|" substr(line, index(line, "[") + 1, index(line, "]") - index(line, "[") - 1) "|"
        if (!match(line, /^ +(-.,)? +--[a-z-]+/))
            continue
        name = substr(line, RSTART, RLENGTH)
        argument = substr(line, RSTART + RLENGTH, 1) == "="
        letter = match(name, /-.,/) ? substr(name, RSTART + 1, 1) : ""
        sub(/.*--/, "", name)
        options[++option_count] = name
        takes[name] = argument
        if (letter != "") takes[letter] = argument
    }
}

function unknown(typed,    line, part, near) {
    sub(/=.*/, "", typed)
    while ((getline line < habits) > 0)
        if (split(line, part, "\"") == 5 && part[2] == typed)
            say(typed " is no option of ouro " command ": " part[4])
    if (substr(typed, 1, 2) == "--" && (near = nearest(substr(typed, 3), options, option_count)) != "")
        say(typed " is no option of ouro " command ": did you mean --" near "?")
    say(typed " is no option of ouro " command "; ouro " command " --help lists them")
}

function say(sentence) { print sentence; exit }

# The number of words that the option takes, itself included.
function long_option(word,    name, i, found) {
    name = substr(word, 3)
    sub(/=.*/, "", name)
    for (i = 1; i <= option_count; i++)
        if (substr(options[i], 1, length(name)) == name && (found == "" || options[i] == name))
            found = options[i]
    if (found == "")
        unknown(word)
    if (found ~ /^(root|sysroot|oci|image|config|with)$/)
        elsewhere = 1
    return takes[found] && !index(word, "=") ? 2 : 1
}

function short_option(word,    i, letter) {
    for (i = 2; i <= length(word); i++) {
        letter = substr(word, i, 1)
        if (!(letter in takes))
            unknown(word)
        if (letter == "c")
            elsewhere = 1
        if (takes[letter])
            return i < length(word) ? 1 : 2
    }
    return 1
}

function listed(    name, count, i, text) {
    count = split(substr(sections, 2, length(sections) - 2), name, "|")
    for (i = 1; i < count; i++) text = text (i > 1 ? ", " : "") name[i]
    return text " and " name[count]
}

BEGIN {
    if (ARGV[1] == "nearest") {
        for (i = 3; i < ARGC; i++) names[i - 2] = ARGV[i]
        say(nearest(ARGV[2], names, ARGC - 3))
    }
    read_help(ARGV[2])
    habits = ARGV[3]
    command = ARGV[4]
    for (i = 5; i < ARGC; ) {
        word = ARGV[i]
        if (word == "--") {
            i++
            break
        }
        if (word == "-v" && index(ARGV[i + 1], ":/")) # docker's: the tool sees whether there is such a program
            say(0)
        if (word !~ /^-./ && sections == "")
            break
        if (word !~ /^-./) {
            if (!index(sections, "|" word "|"))
                say(command ": " word ": the sections are " listed())
            i++
        } else
            i += substr(word, 1, 2) == "--" ? long_option(word) : short_option(word)
    }
    # A disk is no program, and the tool has words of its own for an empty name.
    say(elsewhere || i >= ARGC || ARGV[i] == "" || sections != "" || command ~ /^(usb|explore)$/ ? 0 : i - 4)
}
