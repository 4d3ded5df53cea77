/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A boot sector: reads 4 KiB from the disk that it came from, writes it elsewhere, reads
 * it back and compares, and says on COM1 what came of it. It is all the operating system
 * that a machine without KVM has time for.
 */
	.intel_syntax noprefix
	.code16
	.global start

	.set	SECTORS, 8
	.set	PATTERN_AT, 2048	/* sectors, as in inner.py */
	.set	COPY_AT, 4096
	.set	FIRST, 0x8000		/* memory */
	.set	SECOND, 0xa000
	.set	COM1, 0x3f8

start:
	jmp	0:begin
begin:
	cld
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, 0x7c00
	mov	drive, dl

	mov	si, offset read_pattern
	mov	ah, 0x42
	call	disk
	/* or two empty buffers would compare well */
	cmp	dword ptr [FIRST], 0x600df00d
	jne	bad
	/* what an earlier run has written isn't the same */
	rdtsc
	mov	[FIRST + 4], eax
	mov	si, offset write_copy
	mov	ah, 0x43
	call	disk
	mov	si, offset read_copy
	mov	ah, 0x42
	call	disk
	mov	si, FIRST
	mov	di, SECOND
	mov	cx, SECTORS * 512 / 2
	repe cmpsw
	jne	bad
	mov	si, offset same
	jmp	last
bad:
	mov	si, offset differs
last:
	call	say
stop:
	hlt
	jmp	stop

/* AH: what to do by the packet at SI */
disk:
	mov	al, 0
	mov	dl, drive
	int	0x13
	jc	failed
	ret
failed:
	mov	si, offset error
	jmp	last

/* the text at SI */
say:
	mov	dx, COM1 + 5
1:	in	al, dx
	test	al, 0x20
	jz	1b
	lodsb
	test	al, al
	jz	2f
	mov	dx, COM1
	out	dx, al
	jmp	say
2:	ret

drive:	.byte	0
	.balign	4
read_pattern:
	.byte	16, 0
	.word	SECTORS, FIRST, 0
	.quad	PATTERN_AT
write_copy:
	.byte	16, 0
	.word	SECTORS, FIRST, 0
	.quad	COPY_AT
read_copy:
	.byte	16, 0
	.word	SECTORS, SECOND, 0
	.quad	COPY_AT

same:	.asciz	"\nboot: same\n"
differs: .asciz	"\nboot: differs\n"
error:	.asciz	"\nboot: disk error\n"

	.org	510
	.word	0xaa55
