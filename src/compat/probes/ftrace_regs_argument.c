/* Linux 6.2 gave ftrace callbacks the arguments without saving all registers (94d095ffa0e1). */
#include <linux/ftrace.h>

void probe(struct ftrace_regs *fregs);
void probe(struct ftrace_regs *fregs)
{
	ftrace_regs_set_instruction_pointer(fregs, ftrace_regs_get_argument(fregs, 0));
}
