"""Sums over pairs of bytes, at the full width of the vector unit.

The vectorizer of LLVM picks its width by the widest number in a loop, which is the
32-bit sum here, and so reads eight bytes at a time. These sums are therefore written as
vectors of 64 and 32 bytes in LLVM's portable language, for which every processor has
instructions: sums of absolute differences of bytes, and products of 16-bit integers
that are added in pairs. A wide loop sums most bytes, and narrower ones sum the rest.
"""

from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


def _absolute_difference(builder, a, b):
    difference = builder.sub(a, b)
    zero = ir.Constant(difference.type, [0] * difference.type.count)
    positive = builder.icmp_signed(">", difference, zero)
    return builder.select(positive, difference, builder.sub(zero, difference))


def _squared_difference(builder, a, b):
    difference = builder.sub(a, b)
    return builder.mul(difference, difference)


def _product(builder, a, b):
    return builder.mul(a, b)


def _sum_loop(builder, term, width, first, last, rows):
    """Emit a loop over ``width`` bytes at a time; return its last index and its sum."""
    vector = ir.VectorType(I32, width)
    before = builder.block
    head, body, after = (builder.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    index, total = builder.phi(I64), builder.phi(vector)
    index.add_incoming(first, before)
    total.add_incoming(ir.Constant(vector, [0] * width), before)
    then = builder.add(index, ir.Constant(I64, width))
    builder.cbranch(builder.icmp_signed("<=", then, last), body, after)
    builder.position_at_end(body)
    pointer = ir.VectorType(I8, width).as_pointer()
    a, b = (
        builder.zext(
            builder.load(builder.bitcast(builder.gep(row, [index]), pointer), align=1),
            vector,
        )
        for row in rows
    )
    total.add_incoming(builder.add(total, term(builder, a, b)), body)
    index.add_incoming(then, body)
    builder.branch(head)
    builder.position_at_end(after)
    name = f"llvm.vector.reduce.add.v{width}i32"
    reduce = builder.module.globals.get(name) or ir.Function(
        builder.module, ir.FunctionType(I32, [vector]), name
    )
    return index, builder.call(reduce, [total])


def _sum_of(term, widths, plain):
    """Return a function ``f(A, i, B, j, first, last)`` that sums terms over two rows.

    It sums over the columns from ``first`` to ``last`` of row ``i`` of ``A`` and row
    ``j`` of ``B``, both C-contiguous bytes. ``widths`` are the numbers of bytes that
    its loops read at a time. ``plain`` computes the term without compilation.
    """

    def plain_sum(A, i, B, j, first, last):
        a, b = (part.astype("int64") for part in (A[i, first:last], B[j, first:last]))
        return int(plain(a, b).sum())

    if config.DISABLE_JIT:
        return plain_sum

    @intrinsic
    def byte_sum(typingctx, A, i, B, j, first, last):
        def codegen(context, builder, signature, args):
            rows = []
            for k in (0, 2):
                array = context.make_array(signature.args[k])(context, builder, args[k])
                stride = builder.extract_value(array.strides, 0)
                start = builder.mul(args[k + 1], stride)
                rows.append(builder.gep(array.data, [start]))
            index, total = args[4], ir.Constant(I32, 0)
            for width in widths:
                index, part = _sum_loop(builder, term, width, index, args[5], rows)
                total = builder.add(total, part)
            return total

        return types.int32(A, i, B, j, first, last), codegen

    return byte_sum


def _plain_absolute(a, b):
    return abs(a - b)


l1 = _sum_of(_absolute_difference, (64, 8, 1), _plain_absolute)
l1_of_whole_vectors = _sum_of(_absolute_difference, (64,), _plain_absolute)
squared_l2 = _sum_of(_squared_difference, (32, 8, 1), lambda a, b: (a - b) ** 2)
dot = _sum_of(_product, (32, 8, 1), lambda a, b: a * b)
