/* pod_scripts.h - the programs that our init containers run, src/config/pod, as the build embeds them: without comments, text
 * in UTF-8 that ends with a line end, without "$(" and "$$".
 *
 *     install.py  python3 -I -c SCRIPT PIP_ARGUMENT...
 *     copy.sh     sh -c SCRIPT NAME DIRECTORY
 *     verify.py   python3 -c SCRIPT warn|fail [entrypoint|pth|site-packages]
 */
#ifndef RPW_POD_SCRIPTS_H
#define RPW_POD_SCRIPTS_H

extern const char rpw_pod_script_install[];
extern const char rpw_pod_script_copy[];
extern const char rpw_pod_script_verify[];

#endif
