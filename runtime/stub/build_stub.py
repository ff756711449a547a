#!/usr/bin/env python3
"""Compiles and links the stub of standalone probes with a compiler that need not be the project's.

Usage: build_stub.py --cc CC --include RUNTIME --version TEXT --output FILE --depfile FILE SOURCE..

Takes the sources named and those of the rooms that name none; what a probe does not use the linker
leaves out.
Writes a depfile, so that the stub is built again when any header changes. Objects are kept beside
the output, so that only what has changed is compiled.
"""
import argparse
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys

ROOMS = ['image', 'set']
# Of pktc alone: making images.
APART = ['image/builder.c', 'image/disasm.c']

COMPILE = ['-std=c17', '-D_GNU_SOURCE', '-Os', '-Wall', '-Wextra', '-Werror', '-fno-pie',
           '-ffunction-sections', '-fdata-sections', '-fno-asynchronous-unwind-tables']
# The loops of templates, once per kind of processor (vm/meson.build).
KERNELS = {'plain': ['-O2', '-fno-tree-vectorize', '-DKERNELS_PLAIN']}
if os.uname().machine == 'x86_64':
    KERNELS.update(sse2=['-O3', '-msse2'], avx2=['-O3', '-mavx2', '-mbmi2'])
# The image's section stands above everything else, so that it can grow (stub/embed.h).
LINK = ['-static', '-no-pie', '-s', '-Wl,--gc-sections', '-Wl,--build-id=none',
        '-Wl,-z,noexecstack', '-Wl,--section-start=.pktc_image=0x10000000']
# As meson does for the project's own compiler.
LAUNCHER = ['ccache'] if shutil.which('ccache') else []
# musl's own include folder has no kernel headers; they are looked for last.
KERNEL = ['-idirafter', '/usr/include', '-idirafter', '/usr/include/%s-linux-gnu' % os.uname().machine]


def dependencies(path):
    with open(path, encoding='utf-8') as text:
        words = text.read().replace('\\\n', ' ').split()
    return words[1:]


def sources_of(runtime):
    found = [path for room in ROOMS for path in glob.glob(os.path.join(runtime, room, '*.c'))]
    return sorted(path for path in found if os.path.relpath(path, runtime) not in APART)


def kernels_of(runtime):
    source = os.path.join(runtime, 'vm', 'template_kernels.c')
    return [(source, [*flags, '-DKERNELS=pk_kernels_' + name, '-DKERNELS_TEXT="%s"' % name])
            for name, flags in KERNELS.items()]


def is_current(base, command):
    """Whether the object stands, was made by this command, and is newer than all it was made of."""
    try:
        with open(base + '.command', encoding='utf-8') as text:
            if text.read() != command:
                return False
        made = os.path.getmtime(base + '.o')
        return all(os.path.getmtime(path) < made for path in dependencies(base + '.d'))
    except OSError:
        return False


def compile_one(args, source, flags, base):
    """The files that the object was made of. An object that is current is kept."""
    extra = KERNEL if 'musl' in os.path.basename(args.cc) else []
    words = [*LAUNCHER, args.cc, *COMPILE, *extra, *flags, '-I', args.include,
             '-DPK_STUB_VERSION_TEXT="%s"' % args.version, '-MMD', '-MF', base + '.d',
             '-c', source, '-o', base + '.o']
    command = '\n'.join(words)
    if not is_current(base, command):
        subprocess.run(words, check=True)
        with open(base + '.command', 'w', encoding='utf-8') as out:
            out.write(command)
    return dependencies(base + '.d')


def compile_all(args, folder):
    plain = [(source, []) for source in args.sources + sources_of(args.include)]
    jobs = [(source, flags, os.path.join(folder, '%d-%s' % (number, os.path.basename(source))))
            for number, (source, flags) in enumerate(plain + kernels_of(args.include))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        made_of = list(pool.map(lambda job: compile_one(args, *job), jobs))
    return [base + '.o' for _, _, base in jobs], set().union(*made_of)


def main():
    parser = argparse.ArgumentParser()
    for name in ('cc', 'include', 'version', 'output', 'depfile'):
        parser.add_argument('--' + name, required=True)
    parser.add_argument('sources', nargs='+')
    args = parser.parse_args()
    folder = args.output + '.objects'
    os.makedirs(folder, exist_ok=True)
    try:
        objects, needed = compile_all(args, folder)
        subprocess.run([args.cc, *LINK, *objects, '-o', args.output], check=True)
    except subprocess.CalledProcessError as error:
        return error.returncode or 1
    with open(args.depfile, 'w', encoding='utf-8') as out:
        out.write('%s: %s\n' % (args.output, ' '.join(sorted(needed))))
    return 0


if __name__ == '__main__':
    sys.exit(main())
