# embed.cmake - cmake -DOUTPUT=FILE -P embed.cmake: the scripts beside this file as C strings, for pod_scripts.h.
#
# Blank lines and lines of comment alone are left out, of the longest also lines that only document and indentation beyond what
# Python needs, because the scripts travel in every pod.
set(source "/* Made by embed.cmake. */\n#include \"pod_scripts.h\"\n")
foreach(script install.py copy.sh verify.py)
  file(READ "${CMAKE_CURRENT_LIST_DIR}/${script}" text)
  set(text "\n${text}")
  string(REGEX REPLACE "\n *#[^\n]*" "" text "${text}")
  if(script STREQUAL "verify.py")
    string(REGEX REPLACE "\n *\"\"\"[^\n]*\"\"\"" "" text "${text}")
    string(REPLACE "    " " " text "${text}")
  endif()
  string(REGEX REPLACE "\n\n+" "\n" text "${text}")
  string(REGEX REPLACE "^\n" "" text "${text}")
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  get_filename_component(name "${script}" NAME_WE)
  string(APPEND source "\nconst char rpw_pod_script_${name}[] =\n    \"${text}\";\n")
endforeach()
file(WRITE "${OUTPUT}" "${source}")
