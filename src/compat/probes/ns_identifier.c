/* Until Linux 6.12, a symbol namespace was an identifier, not a string. */
#include <linux/module.h>

MODULE_IMPORT_NS(SOME_WORD);
