"""Largest differences and differing bits of two rows of bytes, a block at a time.

LLVM does not vectorize these loops by itself. Each block is therefore written as one
vector operation in LLVM's portable language, for which every processor has
instructions: the larger and the smaller of two bytes, and the number of bits in a word.
"""

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from skvision._kernels import jit_without_allocation as jit

I8, I64 = ir.IntType(8), ir.IntType(64)


def _absolute_difference(builder, a, b):
    a_is_larger = builder.icmp_unsigned(">", a, b)
    larger = builder.select(a_is_larger, a, b)
    smaller = builder.select(a_is_larger, b, a)
    return builder.sub(larger, smaller)


def _differing_bits(builder, a, b):
    return _call(builder, "ctpop", a.type, builder.xor(a, b))


def _call(builder, name, result, vector):
    """Emit a call of an intrinsic of LLVM that takes a vector."""
    lanes = vector.type
    name = f"llvm.{name}.v{lanes.count}i{lanes.element.width}"
    function = builder.module.globals.get(name) or ir.Function(
        builder.module, ir.FunctionType(result, [lanes]), name
    )
    return builder.call(function, [vector])


def _block(n_bytes, lane, term, reduction, plain):
    """Return a function ``f(A, i, B, j, first)`` that reduces the terms of a block.

    The block consists of ``n_bytes`` bytes of row ``i`` of ``A`` and of row ``j`` of
    ``B``, from column ``first`` on, in lanes of the type ``lane``. Both arrays are
    C-contiguous bytes. ``plain`` computes the same without compilation.
    """
    if config.DISABLE_JIT:

        def plain_block(A, i, B, j, first):
            a, b = A[i, first : first + n_bytes], B[j, first : first + n_bytes]
            return int(plain(a.astype("int64"), b.astype("int64")))

        return plain_block

    n_lanes = 8 * n_bytes // lane.width
    vector = ir.VectorType(lane, n_lanes)

    @intrinsic
    def block(typingctx, A, i, B, j, first):
        def codegen(context, builder, signature, args):
            loaded = []
            for k in (0, 2):
                array = context.make_array(signature.args[k])(context, builder, args[k])
                stride = builder.extract_value(array.strides, 0)
                start = builder.add(builder.mul(args[k + 1], stride), args[4])
                pointer = builder.gep(array.data, [start])
                pointer = builder.bitcast(pointer, vector.as_pointer())
                loaded.append(builder.load(pointer, align=1))
            terms = term(builder, *loaded)
            total = _call(builder, f"vector.reduce.{reduction}", lane, terms)
            return builder.zext(total, I64) if lane is I8 else total

        return types.int64(A, i, B, j, first), codegen

    return block


def _plain_largest(a, b):
    return abs(a - b).max()


def _plain_bits(a, b):
    return sum(int(byte).bit_count() for byte in a ^ b)


_largest_of_256 = _block(256, I8, _absolute_difference, "umax", _plain_largest)
_largest_of_16 = _block(16, I8, _absolute_difference, "umax", _plain_largest)
_largest_of_1 = _block(1, I8, _absolute_difference, "umax", _plain_largest)
_bits_of_64 = _block(64, I64, _differing_bits, "add", _plain_bits)
_bits_of_8 = _block(8, I64, _differing_bits, "add", _plain_bits)
_bits_of_1 = _block(1, I8, _differing_bits, "add", _plain_bits)


@jit(forceinline=True)
def largest_difference(A, i, B, j, limit):
    """Return the largest absolute difference of two rows of bytes.

    If that is above ``limit``, any number above ``limit`` may be returned: the loop
    stops at the first block with a larger difference.
    """
    largest, first = 0, 0
    while first + 256 <= A.shape[1] and largest <= limit:
        largest = max(largest, _largest_of_256(A, i, B, j, first))
        first += 256
    while first + 16 <= A.shape[1] and largest <= limit:
        largest = max(largest, _largest_of_16(A, i, B, j, first))
        first += 16
    while first < A.shape[1] and largest <= limit:
        largest = max(largest, _largest_of_1(A, i, B, j, first))
        first += 1
    return largest


@jit(forceinline=True)
def count_differing_bits(A, i, B, j):
    """Return the number of bits that differ between two rows of bytes."""
    total, first = 0, 0
    while first + 64 <= A.shape[1]:
        total += _bits_of_64(A, i, B, j, first)
        first += 64
    while first + 8 <= A.shape[1]:
        total += _bits_of_8(A, i, B, j, first)
        first += 8
    while first < A.shape[1]:
        total += _bits_of_1(A, i, B, j, first)
        first += 1
    return total


def _bit_count():
    """Return a function of a word of 32 bits that counts the bits that are set."""
    if config.DISABLE_JIT:
        return lambda word: int(word).bit_count()

    @intrinsic
    def bit_count(typingctx, word):
        def codegen(context, builder, signature, args):
            return builder.ctpop(args[0])

        return types.uint32(types.uint32), codegen

    return bit_count


_count_bits = _bit_count()


@jit(forceinline=True)
def _add_differing_bits(word, others, out):
    for j in range(out.size):
        out[j] += np.float32(np.int32(_count_bits(np.uint32(word ^ others[j]))))


@jit
def count_differing_bits_of_words(A, B, out):
    """Count the bits that differ between all rows of ``A`` and all columns of ``B``.

    Both are uint32. Neighboring columns are counted as one vector, since a row of a few
    words does not fill one.
    """
    for i in range(A.shape[0]):
        out[i] = 0
        for k in range(A.shape[1]):
            _add_differing_bits(A[i, k], B[k], out[i])
