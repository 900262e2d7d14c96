# SPDX-License-Identifier: Apache-2.0
# The installed SDK: one shared library, its headers, and what find_package and pkg-config need.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT client)

# orbitmq_sdk(MODULES common remoting client)
# makes the shared library liborbitmq (target orbitmq, alias OrbitMQ::client) from the objects of these
# modules, which must be declared already, and everything that is needed to install it. The modules'
# third-party libraries are linked privately: who uses the SDK needs their headers never.
function(orbitmq_sdk)
  cmake_parse_arguments(S "" "" "MODULES" ${ARGN})
  set(objects)
  set(libraries)
  foreach(module IN LISTS S_MODULES)
    list(APPEND objects "$<TARGET_OBJECTS:orbitmq_${module}>")
    get_target_property(linked orbitmq_${module} LINK_LIBRARIES)
    list(APPEND libraries ${linked})
  endforeach()
  # The modules stand in the library as objects; linking their archives again would double them.
  list(FILTER libraries EXCLUDE REGEX "^orbitmq_")
  list(REMOVE_DUPLICATES libraries)

  add_library(orbitmq SHARED ${objects})
  add_library(OrbitMQ::client ALIAS orbitmq)
  target_compile_features(orbitmq PUBLIC cxx_std_20)
  target_include_directories(orbitmq PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/common/include>"
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/client/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_link_libraries(orbitmq PRIVATE $<BUILD_INTERFACE:orbitmq_flags> ${libraries})
  set(symbols "${PROJECT_SOURCE_DIR}/cmake/orbitmq.symbols")
  target_link_options(orbitmq PRIVATE -Wl,--gc-sections "-Wl,--version-script=${symbols}")
  set_target_properties(orbitmq PROPERTIES
    LINKER_LANGUAGE CXX
    LINK_DEPENDS "${symbols}"
    VERSION "${PROJECT_VERSION}"
    SOVERSION "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}"
    EXPORT_NAME client
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")

  install(TARGETS orbitmq EXPORT OrbitMQTargets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    COMPONENT client NAMELINK_COMPONENT dev)
  foreach(folder IN ITEMS common client)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}/include/orbitmq"
      DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev FILES_MATCHING PATTERN "*.h")
  endforeach()
  set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/OrbitMQ")
  install(EXPORT OrbitMQTargets NAMESPACE OrbitMQ:: DESTINATION "${package_folder}" COMPONENT dev)
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/OrbitMQConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/package/OrbitMQConfig.cmake" INSTALL_DESTINATION "${package_folder}")
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/OrbitMQConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
  install(FILES
    "${PROJECT_BINARY_DIR}/package/OrbitMQConfig.cmake"
    "${PROJECT_BINARY_DIR}/package/OrbitMQConfigVersion.cmake"
    DESTINATION "${package_folder}" COMPONENT dev)
  # From <libdir>/pkgconfig back to the prefix; Debian's libdir has two levels.
  string(REGEX REPLACE "[^/]+" ".." ORBITMQ_PC_UP "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/orbitmq-client.pc.in"
    "${PROJECT_BINARY_DIR}/package/orbitmq-client.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/package/orbitmq-client.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)
endfunction()
