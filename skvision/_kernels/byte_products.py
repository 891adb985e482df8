"""Products of all pairs of rows of bytes, by the dot-product instruction for bytes.

`vpdpbusd` multiplies 64 (or 32) unsigned bytes by signed bytes and adds the products in
groups of four. LLVM does not choose it for a loop over several rows at once, so it is
called by name here. `INSTRUCTION` is None on processors without it, where products of
float32 by BLAS are faster than products of bytes.

A *tile* holds the sums of a few queries with a few rows in registers, so that each
vector is loaded once for several products.
"""

import itertools

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from skvision._kernels import byte_sums, jit

I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)

QUERIES, ROWS = 6, 4  # in a tile
STEP = 64  # bytes; sums are over multiples of it
BYTES_PER_SUM = 65_536  # the sum of as many products of 255 and -128 fits an int32
SQUARES_PER_SUM = 32_768  # the sum of as many squares of bytes does
BYTES_IN_CACHE = 2**18  # of rows, beside the queries
ROWS_IN_CACHE = 128


class _Instruction:
    """`vpdpbusd` on vectors of ``size`` bytes, with sums of ``n_rows`` at a time."""

    def __init__(self, size, n_rows):
        self.bytes, self.sums = ir.VectorType(I8, size), ir.VectorType(I32, size // 4)
        self.name, self.n_rows = f"llvm.x86.avx512.vpdpbusd.{8 * size}", n_rows

    def add_products(self, builder, sums, row, query):
        kind = ir.FunctionType(self.sums, [self.sums] * 3)
        known = builder.module.globals.get(self.name)
        function = known or ir.Function(builder.module, kind, self.name)
        row, query = (builder.bitcast(one, self.sums) for one in (row, query))
        return builder.call(function, [sums, row, query])


def _find_instruction():
    """Return the widest such instruction of the processor that numba compiles for."""
    if config.DISABLE_JIT:
        return None
    features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    if "+avx512vnni" in features:  # 32 registers
        return _Instruction(64, ROWS)
    if "+avxvnni" in features:  # 16
        return _Instruction(32, 2)
    return None


INSTRUCTION = _find_instruction()


def _sum_loop(builder, queries, rows, depth):
    """Emit a loop over bytes; return a vector of sums for each query and row."""
    size = INSTRUCTION.bytes.count
    before = builder.block
    head, body, after = (builder.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(I64)
    index.add_incoming(ir.Constant(I64, 0), before)
    sums = {}
    for pair in itertools.product(range(len(queries)), range(len(rows))):
        sums[pair] = builder.phi(INSTRUCTION.sums)
        sums[pair].add_incoming(ir.Constant(INSTRUCTION.sums, None), before)
    then = builder.add(index, ir.Constant(I64, size))
    builder.cbranch(builder.icmp_signed("<=", then, depth), body, after)
    builder.position_at_end(body)

    def load(start):
        address = builder.gep(start, [index])
        address = builder.bitcast(address, INSTRUCTION.bytes.as_pointer())
        return builder.load(address, align=1)

    row_bytes = [load(row) for row in rows]
    for q, query in enumerate(queries):
        query_bytes = load(query)
        for r, one in enumerate(row_bytes):
            more = INSTRUCTION.add_products(builder, sums[q, r], one, query_bytes)
            sums[q, r].add_incoming(more, body)
    index.add_incoming(then, body)
    builder.branch(head)
    builder.position_at_end(after)
    return sums


def _shuffle(builder, a, b, indices):
    indices = list(indices)
    mask = ir.Constant(ir.VectorType(I32, len(indices)), indices)
    return builder.shuffle_vector(a, b, mask)


def _add_neighbors(builder, a, b):
    """Add neighbors within each four numbers of ``a`` and of ``b``, side by side."""
    n = a.type.count
    even = [four + k for four in range(0, n, 4) for k in (0, 2, n, n + 2)]
    odd = [k + 1 for k in even]
    return builder.add(_shuffle(builder, a, b, even), _shuffle(builder, a, b, odd))


def _sum_vectors(builder, vectors):
    """Return a vector of four numbers, the sums of up to four vectors."""
    vectors = (vectors + 3 * [ir.Constant(vectors[0].type, None)])[:4]
    pairs = [_add_neighbors(builder, *vectors[n : n + 2]) for n in (0, 2)]
    total = _add_neighbors(builder, *pairs)
    while total.type.count > 4:
        half = total.type.count // 2
        low = _shuffle(builder, total, total, range(half))
        high = _shuffle(builder, total, total, range(half, 2 * half))
        total = builder.add(low, high)
    return total


def _add_to(builder, address, numbers, n):
    """Add the first ``n`` of four int32 to int64 in memory."""
    numbers = _shuffle(builder, numbers, numbers, range(n))
    wide = ir.VectorType(I64, n)
    address = builder.bitcast(address, wide.as_pointer())
    more = builder.sext(numbers, wide)
    builder.store(builder.add(builder.load(address, align=8), more), address, align=8)


def _tile_of(n_queries, n_rows):
    """Return a function ``f(queries, rows, j, totals)``.

    It adds to ``totals[:, j:]`` the products of ``n_queries`` queries, int8, and
    ``n_rows`` rows, uint8, from row ``j`` on.
    """

    def plain_tile(queries, rows, j, totals):
        for q in range(n_queries):
            for r in range(n_rows):
                query, row = queries[q].astype(np.int64), rows[j + r].astype(np.int64)
                totals[q, j + r] += np.sum(query * row)

    if INSTRUCTION is None:
        return jit(plain_tile)

    @intrinsic
    def tile(typingctx, queries, rows, j, totals):
        def codegen(context, builder, signature, args):
            arrays = {
                k: context.make_array(signature.args[k])(context, builder, args[k])
                for k in (0, 1, 3)
            }

            def addresses(k, n, first, column):
                start = builder.bitcast(arrays[k].data, I8.as_pointer())
                stride = builder.extract_value(arrays[k].strides, 0)
                for one in range(n):
                    row = builder.add(first, ir.Constant(I64, one))
                    offset = builder.mul(row, stride)
                    yield builder.gep(start, [builder.add(offset, column)])

            zero, j = ir.Constant(I64, 0), args[2]
            of_queries = list(addresses(0, n_queries, zero, zero))
            of_rows = list(addresses(1, n_rows, j, zero))
            depth = builder.extract_value(arrays[0].shape, 1)
            sums = {}
            for r in range(0, n_rows, INSTRUCTION.n_rows):
                part = of_rows[r : r + INSTRUCTION.n_rows]
                found = _sum_loop(builder, of_queries, part, depth)
                sums |= {(q, r + one): total for (q, one), total in found.items()}
            column = builder.mul(j, ir.Constant(I64, 8))
            for q, address in enumerate(addresses(3, n_queries, zero, column)):
                found = _sum_vectors(builder, [sums[q, r] for r in range(n_rows)])
                _add_to(builder, address, found, n_rows)
            return context.get_dummy_value()

        return types.void(queries, rows, j, totals), codegen

    return tile


_many_by_four = _tile_of(QUERIES, ROWS)
_many_by_one = _tile_of(QUERIES, 1)
_one_by_four = _tile_of(1, ROWS)
_one_by_one = _tile_of(1, 1)


@jit
def _add_products(queries, rows, totals):
    """Add the products of a tile's queries and some rows to ``totals``."""
    n_rows = rows.shape[0]
    last = n_rows // ROWS * ROWS
    if queries.shape[0] == QUERIES:
        for j in range(0, last, ROWS):
            _many_by_four(queries, rows, j, totals)
        for j in range(last, n_rows):
            _many_by_one(queries, rows, j, totals)
    else:
        for j in range(0, last, ROWS):
            _one_by_four(queries, rows, j, totals)
        for j in range(last, n_rows):
            _one_by_one(queries, rows, j, totals)


@jit
def _write_bounds(totals, factor, factors, offsets, shifts, out):
    for j in range(out.size):
        product = np.float64(totals[j] + shifts[j])
        out[j] = offsets[j] - factor * factors[j] * product


@jit
def byte_bounds(A, factors_a, B, tails, offsets, shifts, factors_b, out):
    """Compute ``offsets[j] - factors_a[i] * factors_b[j] * (A[i] . B[j] + shifts[j])``.

    ``A`` is int8; its rows are those of ``B``, uint8, filled up with zeros to a
    multiple of `STEP` bytes. ``tails`` has the bytes of each row of ``B`` after the
    last whole step, filled up with zeros. The products are exact.
    """
    whole = B.shape[1] // STEP * STEP
    n_in_cache = min(max(BYTES_IN_CACHE // B.shape[1], 2 * ROWS), ROWS_IN_CACHE)
    totals = np.empty((QUERIES, n_in_cache), np.int64)
    for begin in range(0, B.shape[0], n_in_cache):
        part = slice(begin, min(begin + n_in_cache, B.shape[0]))
        i = 0
        while i < A.shape[0]:
            n_queries = QUERIES if i + QUERIES <= A.shape[0] else 1
            queries = A[i : i + n_queries]
            totals[:] = 0
            for start in range(0, whole, BYTES_PER_SUM):
                span = slice(start, min(start + BYTES_PER_SUM, whole))
                _add_products(queries[:, span], B[part, span], totals)
            if whole < B.shape[1]:
                _add_products(queries[:, whole:], tails[part, :], totals)
            for q in range(n_queries):
                _write_bounds(
                    totals[q],
                    factors_a[i + q],
                    factors_b[part],
                    offsets[part],
                    shifts[part],
                    out[i + q, part],
                )
            i += n_queries


@jit
def sums_and_squares(rows, zeros, sums, squares):
    """Add the sum of each row of bytes to ``sums``, and of its squares to ``squares``.

    ``zeros`` is an array of one row of zeros, whose distance from a row is the sum.
    """
    for i in range(rows.shape[0]):
        for first in range(0, rows.shape[1], SQUARES_PER_SUM):
            last = min(first + SQUARES_PER_SUM, rows.shape[1])
            sums[i] += byte_sums.l1(rows, i, zeros, 0, first, last)
            squares[i] += byte_sums.dot(rows, i, rows, i, first, last)
