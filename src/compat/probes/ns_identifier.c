/* Until Linux 6.12, a symbol namespace was an identifier, not a string (cdd30ebb1b9f). */
#include <linux/module.h>

MODULE_IMPORT_NS(SOME_WORD);
