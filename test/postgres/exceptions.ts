/**
 * What does not pass, and what is not run, each with its reason. A test that is listed here and passes is an error as well, and
 * so is a folder of src/test/modules that is neither a suite nor listed.
 */

const WINDOWS = 'tests what only Windows has'
const NO_PEER = 'the host does not tell who the clients of its unix sockets are'
const INJECTION_POINTS = 'needs a server that was configured with --enable-injection-points'
const CLIENT = 'tests client programs or libraries, not the server'

/** Tests by `suite/test`; a script in Perl is one test. Nothing of core and isolation belongs here. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'authentication/003_peer': NO_PEER,
  'authentication/005_sspi': WINDOWS,
  'authentication/007_pre_auth': INJECTION_POINTS,
}

/** The same for a server in a Durable Object. */
export const WORKERD_EXCEPTIONS: Readonly<Record<string, string>> = {
  'isolation/deadlock-parallel':
    'a Worker has no parallel workers by default, without which its steps end in another order',
}

/** Folders of src/test/modules that are no suites. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  gin: INJECTION_POINTS,
  injection_points: INJECTION_POINTS,
  typcache: INJECTION_POINTS,
  libpq_pipeline: CLIENT,
  test_escape: CLIENT,
  test_json_parser: CLIENT,
  test_aio: 'needs injection points, and signals processes, which are none of the system',
  test_cloexec: 'tests handles of Windows',
  ldap_password_func: 'needs a server with LDAP',
  ssl_passphrase_callback: 'needs a server with OpenSSL',
  oauth_validator: 'needs a server with OAuth, and libcurl in clients',
}
