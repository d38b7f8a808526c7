/**
 * What does not pass, and what is not run, each with its reason. A test that is listed here and passes is an error as well, and
 * so is a folder of src/test/modules that is neither a suite nor listed.
 */

/** Tests by `suite/test`. Nothing of core and isolation belongs here. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {}

const INJECTION_POINTS = 'needs a server that was configured with --enable-injection-points'
const CLIENT = 'tests client programs or libraries, not the server'

const TAP = 'has Perl scripts only'

/** Folders of src/test/modules that are no suites. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  gin: INJECTION_POINTS,
  injection_points: INJECTION_POINTS,
  typcache: INJECTION_POINTS,
  libpq_pipeline: CLIENT,
  test_escape: CLIENT,
  test_json_parser: CLIENT,
  test_aio: TAP,
  test_custom_rmgrs: TAP,
  worker_spi: TAP,
  xid_wraparound: TAP,
  test_cloexec: 'tests handles of Windows',
  ldap_password_func: 'needs a server with LDAP',
  ssl_passphrase_callback: 'needs a server with OpenSSL',
  oauth_validator: 'needs a server with OAuth, and libcurl in clients',
}
