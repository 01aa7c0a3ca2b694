# What `cmake --install` puts where, for programs that use the library: it, its headers,
# a CMake package, a pkg-config file and the examples. Everything is found relative to
# where it lies, so an installed tree may be moved.
include(CMakePackageConfigHelpers)

set(tally_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tally)

install(TARGETS tally_shared tally_embed_shared tally_kernel_headers EXPORT tallyTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/tally DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

install(EXPORT tallyTargets NAMESPACE tally:: DESTINATION ${tally_package_dir})
configure_package_config_file(tallyConfig.cmake.in tallyConfig.cmake
  INSTALL_DESTINATION ${tally_package_dir}
  NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break what the one before promised.
write_basic_package_version_file(tallyConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/tallyConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/tallyConfigVersion.cmake
  DESTINATION ${tally_package_dir})

# Absolute directories stay what the packager said; relative ones follow the file.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up /${pc_dir} /)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
foreach(dir IN ITEMS LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE ${CMAKE_INSTALL_${dir}})
    set(pc_${dir} ${CMAKE_INSTALL_${dir}})
  else()
    set(pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
configure_file(tally.pc.in tally.pc @ONLY)
configure_file(embed/tally-embed.pc.in tally-embed.pc @ONLY)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/tally.pc
  ${CMAKE_CURRENT_BINARY_DIR}/tally-embed.pc
  DESTINATION ${pc_dir})

install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES KERNELS.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# For PYTHONPATH or pip: no version of Python in its path, and nothing to compile.
install(DIRECTORY python/tally
  DESTINATION ${CMAKE_INSTALL_DATADIR}/tally/python
  PATTERN "__pycache__" EXCLUDE)
install(FILES python/pyproject.toml python/README.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/tally/python)
install(DIRECTORY python/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/python
  PATTERN "__pycache__" EXCLUDE)
