#!/bin/sh
# SPDX-License-Identifier: MIT
# Called with TOP. The workflow of CI and the blocks of YAML in docs are YAML with the keys that GitHub knows, and ShellCheck has no complaint
# about their steps, each of which sh -e runs.
set -u
cd "$1" || exit 1
steps=$(mktemp -d "${TMPDIR:-/tmp}/ouro-lint.XXXXXX") || exit 1
trap 'rm -rf "$steps"' EXIT
python3 - "$steps" <<'P' || exit $?
import glob, re, sys
try:
    import yaml
except ImportError:
    print('skip: python3-yaml is not installed')
    sys.exit(77)
TOP = {'name', True, 'jobs'}  # `on` is true in YAML 1.1
JOB = {'runs-on', 'container', 'timeout-minutes', 'steps', 'needs', 'if', 'env', 'permissions', 'strategy'}
STEP = {'uses', 'run', 'with', 'env', 'name', 'if', 'id', 'shell', 'working-directory'}
bad = count = 0

def say(where, what):
    global bad
    bad += 1
    print('workflow.sh: %s: %s' % (where, what))

def check(where, text):
    global count
    try:
        page = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return say(where, str(error).replace('\n', ' '))
    if not isinstance(page, dict) or not isinstance(page.get('jobs'), dict):
        return say(where, 'no jobs')
    for key in set(page) - TOP:
        say(where, 'unknown key %s' % key)
    for name, job in page['jobs'].items():
        for key in set(job) - JOB:
            say(where, '%s: unknown key %s' % (name, key))
        if 'runs-on' not in job or not job.get('steps'):
            say(where, '%s: no runs-on, or no steps' % name)
        for number, step in enumerate(job.get('steps') or []):
            for key in set(step) - STEP:
                say(where, '%s, step %d: unknown key %s' % (name, number + 1, key))
            if ('run' in step) == ('uses' in step):
                say(where, '%s, step %d: it has to be either run or uses' % (name, number + 1))
            if 'uses' in step and not re.fullmatch(r'[\w.-]+/[\w./-]+@v\d+', step['uses']):
                say(where, '%s, step %d: uses %s has no version' % (name, number + 1, step['uses']))
            if 'run' in step:
                count += 1
                with open('%s/%s-%d' % (sys.argv[1], name, number + 1), 'w') as script:
                    script.write('#!/bin/sh -e\n' + step['run'] + '\n')

for path in glob.glob('.github/workflows/*'):
    with open(path) as file:
        check(path, file.read())
for path in glob.glob('docs/*.md'):
    with open(path) as file:
        for block in re.findall(r'^```yaml\n(.*?)^```$', file.read(), re.M | re.S):
            check(path, block)
print('workflow.sh: %d steps' % count)
sys.exit(bad != 0)
P
[ -z "$(ls "$steps")" ] || shellcheck "$steps"/*
