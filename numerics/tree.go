package numerics

import "math/bits"

// Tree adds vectors in a fixed pairwise binary tree. Leaf i of a tree is the
// i-th that is pushed; a node of level L covers 2^L leaves that begin at a
// multiple of 2^L, and is the sum of its two halves, the left one first. At the
// end of the leaves, a node whose right half is empty is its left half.
//
// So the sum of leaves that a node covers can be computed by a Tree of its own
// elsewhere and pushed as that node: the result has the same bits, wherever
// the cuts were. The zero Tree is not usable; a Tree is not safe for
// concurrent use, and does not allocate once it was full.
type Tree struct {
	width int
	count uint64      // leaves so far; bit L is set when nodes[L] holds a node
	nodes [][]float64 // by level
}

// NewTree returns an empty tree over vectors of the given width.
func NewTree(width int) *Tree {
	return &Tree{width: width}
}

// Reset empties the tree, keeping its memory.
func (t *Tree) Reset() { t.count = 0 }

// Push adds the next leaf. It keeps no reference to leaf.
func (t *Tree) Push(leaf []float64) { t.PushNode(0, leaf) }

// PushNode adds a vector that is the sum, by a Tree, of the next 2^level
// leaves. The last node may stand for fewer leaves than that; nothing can be
// pushed after it. PushNode panics when the node is not aligned (the leaves so
// far are no multiple of 2^level) or its width is not the tree's.
func (t *Tree) PushNode(level int, node []float64) {
	if len(node) != t.width {
		panic("numerics: Tree.PushNode of another width")
	}
	if level < 0 || level > 62 || t.count&(1<<level-1) != 0 {
		panic("numerics: Tree.PushNode is not aligned")
	}
	top := level + bits.TrailingZeros64(^(t.count >> level))
	for len(t.nodes) <= top {
		t.nodes = append(t.nodes, make([]float64, t.width))
	}
	carry := node
	for l := level; l < top; l++ {
		left := t.nodes[l]
		for i, v := range carry {
			left[i] += v
		}
		carry = left
	}
	if top == level {
		copy(t.nodes[top], node)
	} else {
		t.nodes[top], t.nodes[top-1] = t.nodes[top-1], t.nodes[top]
	}
	t.count += 1 << level
}

// Sum writes the sum of all leaves to dst, zeros when there are none. The tree
// can be pushed to afterwards. It panics when dst has another width.
func (t *Tree) Sum(dst []float64) {
	if len(dst) != t.width {
		panic("numerics: Tree.Sum of another width")
	}
	clear(dst)
	first := true
	for l, left := range t.nodes {
		switch {
		case t.count>>l&1 == 0:
		case first:
			copy(dst, left)
			first = false
		default:
			for i, v := range left {
				dst[i] = v + dst[i]
			}
		}
	}
}
