# SPDX-License-Identifier: Apache-2.0
# Debian packages, made by `cpack -G DEB` in a build tree: one for each install component.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME orbitmq)
set(CPACK_PACKAGE_VENDOR "OrbitMQ")
set(CPACK_PACKAGE_CONTACT "OrbitMQ developers <orbitmq@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL server tools client dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)

# orbitmq_package(COMPONENT NAME DESCRIPTION): how a component is called and described.
function(orbitmq_package component name description)
  string(TOUPPER "${component}" key)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME "${name}" PARENT_SCOPE)
  set(CPACK_COMPONENT_${key}_DESCRIPTION "${description}" PARENT_SCOPE)
endfunction()
orbitmq_package(server orbitmq-server
  "message broker and NameServer that speak RocketMQ's remoting protocol")
orbitmq_package(tools orbitmq-tools "tools for operators of OrbitMQ and other RocketMQ brokers")
orbitmq_package(client liborbitmq "client library for RocketMQ brokers")
orbitmq_package(dev liborbitmq-dev "headers of liborbitmq")
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "liborbitmq (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_CLIENT_PACKAGE_GENERATE_SHLIBS ON)
set(maintainer "${PROJECT_SOURCE_DIR}/distribution/debian")
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
  "${maintainer}/postinst;${maintainer}/prerm;${maintainer}/postrm")
# mqadmin; the commands that mqcluster prints name it.
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS orbitmq-tools)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
