/* Symbol namespaces are named by a bare word, not by a string (before Linux 6.13). */
#include <linux/module.h>

MODULE_IMPORT_NS(SOME_WORD);
