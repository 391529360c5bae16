#include "textflag.h"

// A constant of exp in each of four lanes.
#define LANES(name, bits) \
	DATA name<>+0(SB)/8, bits \
	DATA name<>+8(SB)/8, bits \
	DATA name<>+16(SB)/8, bits \
	DATA name<>+24(SB)/8, bits \
	GLOBL name<>(SB), RODATA|NOPTR, $32

LANES(widest, $0x4086180000000000)
LANES(magnitude, $0x7fffffffffffffff)
LANES(log2e, $0x3ff71547652b82fe)
LANES(shift, $0x4338000000000000)
LANES(ln2High, $0x3fe62e42fee00000)
LANES(ln2Low, $0x3dea39ef35793c76)
LANES(bias, $0x3ff0000000000000)
LANES(c2, $0x3fe0000000000000)
LANES(c3, $0x3fc5555555555555)
LANES(c4, $0x3fa5555555555555)
LANES(c5, $0x3f81111111111111)
LANES(c6, $0x3f56c16c16c16c17)
LANES(c7, $0x3f2a01a01a01a01a)
LANES(c8, $0x3efa01a01a01a01a)
LANES(c9, $0x3ec71de3a556c734)
LANES(c10, $0x3e927e4fb7789f5c)
LANES(c11, $0x3e5ae64567f544e4)
LANES(c12, $0x3e21eed8eff8d898)
LANES(c13, $0x3de6124613a86d09)

// func expAVX2(dst, src *float64, n int) (done int)
TEXT ·expAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ AX, AX
	VMOVUPD log2e<>(SB), Y15
	VMOVUPD shift<>(SB), Y14
	VMOVUPD ln2High<>(SB), Y13
	VMOVUPD ln2Low<>(SB), Y12
	VMOVUPD magnitude<>(SB), Y11
	VMOVUPD widest<>(SB), Y10
	VMOVUPD bias<>(SB), Y9 // 1 as a number, 1023 as an exponent

vector:
	LEAQ 4(AX), DX
	CMPQ DX, CX
	JGT  end
	VMOVUPD (SI)(AX*8), Y0
	VANDPD  Y11, Y0, Y1
	VCMPPD  $0x12, Y10, Y1, Y1 // |x| <= widest, false for NaN
	VMOVMSKPD Y1, BX
	CMPL BX, $15
	JNE  end

	VMULPD Y15, Y0, Y1
	VADDPD Y14, Y1, Y1 // shifted
	VSUBPD Y14, Y1, Y2 // k
	VMULPD Y13, Y2, Y3
	VSUBPD Y3, Y0, Y3  // high
	VMULPD Y12, Y2, Y4 // low
	VSUBPD Y4, Y3, Y5  // r
	VMULPD Y5, Y5, Y6  // square

	VMULPD c12<>(SB), Y6, Y7
	VADDPD c10<>(SB), Y7, Y7
	VMULPD Y6, Y7, Y7
	VADDPD c8<>(SB), Y7, Y7
	VMULPD Y6, Y7, Y7
	VADDPD c6<>(SB), Y7, Y7
	VMULPD Y6, Y7, Y7
	VADDPD c4<>(SB), Y7, Y7
	VMULPD Y6, Y7, Y7
	VADDPD c2<>(SB), Y7, Y7 // even

	VMULPD c13<>(SB), Y6, Y8
	VADDPD c11<>(SB), Y8, Y8
	VMULPD Y6, Y8, Y8
	VADDPD c9<>(SB), Y8, Y8
	VMULPD Y6, Y8, Y8
	VADDPD c7<>(SB), Y8, Y8
	VMULPD Y6, Y8, Y8
	VADDPD c5<>(SB), Y8, Y8
	VMULPD Y6, Y8, Y8
	VADDPD c3<>(SB), Y8, Y8 // odd

	VMULPD Y5, Y8, Y8
	VADDPD Y8, Y7, Y7
	VMULPD Y6, Y7, Y7 // tail
	VSUBPD Y4, Y7, Y7
	VADDPD Y7, Y3, Y7
	VADDPD Y9, Y7, Y7

	VPSLLQ $52, Y1, Y1
	VPADDQ Y9, Y1, Y1 // 2^k
	VMULPD Y1, Y7, Y7
	VMOVUPD Y7, (DI)(AX*8)
	MOVQ DX, AX
	JMP  vector

end:
	VZEROUPPER
	MOVQ AX, done+24(FP)
	RET

// func hasAVX2() bool
TEXT ·hasAVX2(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX
	XORL CX, CX
	CPUID
	CMPL AX, $7
	JLT  without
	MOVL $1, AX
	XORL CX, CX
	CPUID
	ANDL $(1<<27 | 1<<28), CX // OSXSAVE and AVX
	CMPL CX, $(1<<27 | 1<<28)
	JNE  without
	XORL CX, CX
	XGETBV
	ANDL $6, AX // the system keeps XMM and YMM registers
	CMPL AX, $6
	JNE  without
	MOVL $7, AX
	XORL CX, CX
	CPUID
	BTL  $5, BX // AVX2
	JCC  without
	MOVB $1, ret+0(FP)

without:
	RET
