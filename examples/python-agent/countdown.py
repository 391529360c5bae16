"""The numbers game of examples/countdown: its rules and features, to the bit."""
import math
import struct

WIDTH = 22
ADD, SUBTRACT, MULTIPLY, DIVIDE = range(4)


def actions(numbers):
    """Every legal move (i, j, operation, result), in the order that decisions count in."""
    found = []
    for i, a in enumerate(numbers):
        for j, b in enumerate(numbers):
            if i == j:
                continue
            if i < j:
                found += [(i, j, ADD, a + b), (i, j, MULTIPLY, a * b)]
            if a >= b:
                found.append((i, j, SUBTRACT, a - b))
            if b > 0 and a % b == 0:
                found.append((i, j, DIVIDE, a // b))
    return found


def rest(numbers, action):
    return [n for k, n in enumerate(numbers) if k not in action[:2]]


def f32(value): return struct.unpack("<f", struct.pack("<f", value))[0]


def lg(v): return f32(min(math.log(1 + v) / math.log(101), 2))


def features(numbers, target, action):
    i, j, operation, result = action
    left = rest(numbers, action)
    total = result + sum(left)
    row = [0.0] * WIDTH
    row[0:4] = lg(numbers[i]), lg(numbers[j]), lg(result), lg(target)
    row[4] = lg(abs(result - target))
    row[5], row[6] = lg(max(left, default=0)), lg(min(left, default=0))
    row[7] = lg(abs(total - target))
    row[8 + operation] = row[12 + len(left)] = 1.0
    row[15:22] = (float(c) for c in (
        result == target, result > target, result > 0 and target % result == 0, result > 0 and result % target == 0,
        result == 0, result in (numbers[i], numbers[j]), (total > target) - (total < target)))
    return row


def check(task):
    numbers, target = task["numbers"], task["target"]
    if not (2 <= len(numbers) <= 4 and all(1 <= n <= 100 for n in numbers) and 1 <= target <= 1000):
        raise ValueError("countdown task is not valid")
    return numbers, target


def play(numbers, target, choose):
    """Plays to the end and says whether the target was hit; choose(number, rows) is the policy."""
    number = 0
    while len(numbers) > 1:
        moves = actions(numbers)
        move = moves[choose(number, [features(numbers, target, m) for m in moves])]
        numbers = rest(numbers, move) + [move[3]]
        if move[3] == target:
            return True
        number += 1
    return False
